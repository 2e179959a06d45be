// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "backup/v1/backup.pb.h"
#include "backup/v1/policy.pb.h"

namespace backup::server {

// Clocks of two hosts that are both right may differ by so much: a backup of a later time is dated in the future.
inline constexpr absl::Duration kClockTolerance = absl::Minutes(10);

// What retention has to know of one backup.
struct RetainedBackup {
  std::string name;
  int64_t sequence = 0;  // The catalog's count: the order, whatever the clocks say.
  absl::Time snapshot_time;
  int64_t size_bytes = 0;
  v1::BackupState state = v1::GOOD;
  bool proven = false;  // A drill restored it.
  bool held = false;    // Somebody holds it, and the hold has not expired.
  bool in_use = false;  // A verification, restore or drill of it has not ended.
};

// What retention has to know of `backup` at `now`, but for its uses.
RetainedBackup ToRetained(const v1::Backup& backup, absl::Time now);

// What retention has to know of one database.
struct RetentionState {
  std::vector<RetainedBackup> backups;  // All that exist, by rising sequence.
  bool last_run_failed = false;         // Its last backup run ended without a backup.
  bool clock_jumped = false;            // The controller's clock, or its agent's, is not to be trusted.
};

// Why a backup stays. The first seven hold whatever the policy says.
enum class KeepRule {
  kNewestGood,
  kNewestProven,
  kHeld,
  kInUse,
  kFutureDated,  // Its time has not come yet: a clock is wrong.
  kMinimumGood,
  kNotReplaced,  // Not good itself, and not followed by minimum_good good ones.
  kWithin,
  kLast,
  kDaily,
  kWeekly,
  kMonthly,
  kYearly,
};

// Why nothing of a database is deleted for now. Each ends by itself when what caused it does.
enum class FreezeReason {
  kLastRunFailed,
  kLastBackupNotGood,  // The newest backup is suspicious or bad.
  kClock,              // A backup is dated in the future.
  kClockJumped,        // A clock jumped lately, or two differ.
  kTooMuch,            // More than half of the backups would go at once.
};

struct RetentionDecision {
  std::string backup;
  std::vector<KeepRule> keep;  // Empty: it goes.
  bool over_budget = false;    // It goes because of max_total_bytes; the rules would keep it.
};

struct RetentionPlan {
  std::vector<RetentionDecision> decisions;  // One for each backup, in their order.
  std::vector<FreezeReason> frozen;          // Empty: what goes may go.
  bool over_budget = false;                  // More than max_total_bytes even when all that may go is gone.
};

// What of a database's backups stays, and why. Only good backups count towards a rule, and those of a day, week, month
// or year are told apart in `zone`. A backup that a rule keeps by its time counts there only when that time has come.
//
// Kept whatever the rules say: the newest good one, the newest proven one that is good, held ones, those in use, those
// dated in the future, the newest `minimum_good` good ones, and any that is not good until as many good ones followed
// it. Of the others, those go that no rule keeps, and, the oldest first, those that do not fit into `max_total_bytes`.
// A second plan, of what the first one left, lets nothing go. Pure.
RetentionPlan PlanRetention(const RetentionState& state, const v1::RetentionSpec& spec, const absl::TimeZone& zone,
                            absl::Time now);

// E.g. "keepDaily", "newest good".
absl::string_view KeepRuleText(KeepRule rule);
// E.g. "the newest backup is not good".
absl::string_view FreezeReasonText(FreezeReason reason);

}  // namespace backup::server
