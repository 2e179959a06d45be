// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "backup/v1/policy.pb.h"
#include "server/domain/exclusions.h"
#include "server/domain/schedule.h"

namespace backup::server {

// When the slots of a schedule start, one after the other: each at its time, or when the span of notDuring that this
// falls into is over. Of those that would start together the newest stands in for the others; one for which the span
// lasts until its start deadline never starts. Jitter and a pause are not looked at. Not thread-safe.
class PlannedStarts {
 public:
  // Starts later than `after`. Errors of Schedule::Create and Exclusions::Create.
  static absl::StatusOr<PlannedStarts> Create(const v1::ScheduleSpec& spec, absl::Time after);

  // The next start. InfiniteFuture when there is none, or none of the next 100,000 slots does start.
  absl::Time next() const { return next_; }
  // Goes on to the one after it. Returns how many slots were looked at: a measure of the work.
  int64_t Advance();

 private:
  PlannedStarts(Schedule schedule, Exclusions exclusions, absl::Duration start_deadline, absl::Time after);
  // InfiniteFuture when it does not start.
  absl::Time StartOf(absl::Time slot) const;

  Schedule schedule_;
  Exclusions exclusions_;
  absl::Duration start_deadline_;
  absl::Time slot_;  // The last one that was looked at.
  absl::Time next_;
};

}  // namespace backup::server
