// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/numeric/int128.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "backup/v1/policy.pb.h"
#include "server/domain/retention.h"

namespace backup::server {

// Retention applied to a set of backups again and again, as time passes and backups are added. Each step decides as
// PlanRetention would and deletes what goes; but it works out a backup's day, week, month and year once, not at every
// step, and so takes nanoseconds for each backup. For looking thousands of steps ahead. Not thread-safe.
class RetentionSteps {
 public:
  struct Item {
    RetainedBackup backup;  // `held` is not looked at.
    absl::Time hold_end = absl::InfinitePast();
  };
  // The first days of a backup's day, week, month and year, counted from 1970.
  struct Periods {
    int32_t first_days[4];
  };
  struct Outcome {
    std::vector<Item> deleted;         // Oldest first.
    std::vector<FreezeReason> frozen;  // What kept those from being deleted that no rule keeps; empty when nothing did.
    // When time alone next takes from a backup that stays what keeps it: its hold, keepWithin, or that it is dated in
    // the future. InfiniteFuture for never.
    absl::Time next_release = absl::InfiniteFuture();
    int64_t visited = 0;  // Backups that were looked at: a measure of the work.
  };

  RetentionSteps(const v1::RetentionSpec& spec, const absl::TimeZone& zone);

  // It is newer than all that are there, by the catalog's count.
  void Add(const Item& item);
  // A drill restored the newest good one.
  void ProveNewestGood();
  // What worked with backups has ended. Whether anything did.
  bool EndUses();
  // `last_run_failed`: as in RetentionState.
  Outcome Apply(absl::Time now, bool last_run_failed = false);

  // What exists, the oldest first.
  const std::vector<Item>& items() const { return items_; }
  // Whether the backup called `name` is one of those that the last Apply would have deleted if nothing had frozen them.
  bool IsFrozen(absl::string_view name) const;
  absl::int128 total_bytes() const { return total_bytes_; }
  // As PlanRetention takes it.
  RetentionState StateAt(absl::Time now, bool last_run_failed = false) const;

 private:
  const v1::RetentionSpec spec_;
  const absl::TimeZone zone_;
  std::vector<Item> items_;       // Oldest first.
  std::vector<Periods> periods_;  // Of each of them.
  absl::int128 total_bytes_ = 0;
  std::vector<bool> frozen_;  // When the last Apply was frozen: of each item, whether it stayed only because of that.
};

}  // namespace backup::server
