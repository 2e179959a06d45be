// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "backup/v1/backup.pb.h"
#include "backup/v1/policy.pb.h"
#include "backup/v1/retention.pb.h"
#include "server/domain/retention.h"

namespace backup::server {

// Where a look ahead begins.
struct RetentionToday {
  v1::Policy policy;
  std::vector<v1::Backup> backups;  // Those that the policy made of one database and that exist, by rising sequence.
  std::set<std::string> in_use;     // Names of those that a verification, restore or drill works with now.
  bool last_run_failed = false;     // The last backup run of the two ended without a backup.
  int64_t other_size_bytes = 0;     // Size of a new backup when none of `backups` is good to go by; 0 for unknown.
  absl::Time now;
};

// Both look ahead as the policy's schedule goes: every slot brings a good backup of the newest good one's size at its
// time, or when the excluded span that this falls into is over; every slot of the drill schedule proves the newest good
// one; retention is applied now, after each slot, and at the next full hour from now when a hold or keepWithin has
// ended or a drill has proven another backup, and deletes nothing while something freezes it. Work that goes on now has
// ended an hour from now; what makes the last run count as failed ends with the first slot. A pause is not looked at.
//
// `max_work` bounds what is done, in backups looked at: a second brings about 60 million.
inline constexpr int64_t kMaxSimulationWork = 100'000'000;

// What exists after `span`, and what happens until then. Without the database's name. INVALID_ARGUMENT
// SIMULATION_TOO_LARGE; the error of Schedule::Create for a policy that was stored by something else. Pure.
absl::StatusOr<v1::RetentionSimulation> SimulateRetention(const RetentionToday& today, absl::Duration span,
                                                          int64_t max_work = kMaxSimulationWork);

// When a backup goes.
struct DeletionForecast {
  absl::Time delete_time = absl::InfiniteFuture();  // InfiniteFuture: not until `simulated_until`.
  absl::Time simulated_until;                       // The end of the span, or earlier when `max_work` is done.
  // Since when no rule keeps it although it is there at the end; InfiniteFuture when some rule does, or it goes.
  absl::Time unkept_time = absl::InfiniteFuture();
  std::vector<FreezeReason> frozen;  // What stands against its deletion at the end, when it is unkept.
};
// Of one of `today`'s backups. Errors of Schedule::Create. Pure.
absl::StatusOr<DeletionForecast> ForecastDeletion(const RetentionToday& today, absl::string_view backup,
                                                  absl::Duration span, int64_t max_work = kMaxSimulationWork);

}  // namespace backup::server
