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

  // The next start. InfiniteFuture when there is none, or none in 100,000 spans in a row that leave their slots no
  // time.
  absl::Time next() const { return next_; }
  // Goes on to the one after it.
  void Advance();
  // Slots, and beginnings of spans, that were looked at so far: a measure of the work, each about a microsecond.
  int64_t work() const { return work_; }

 private:
  PlannedStarts(Schedule schedule, Exclusions exclusions, absl::Duration start_deadline, absl::Time after);
  // Whether a span has `slot` in it; then it is span_, known at least until `until`.
  bool IsExcluded(absl::Time slot, absl::Time until);

  Schedule schedule_;
  Exclusions exclusions_;
  absl::Duration start_deadline_;
  absl::Time slot_;                                                   // Later ones have not been looked at.
  ExcludedSpan span_ = {absl::InfinitePast(), absl::InfinitePast()};  // The last one that was looked at.
  absl::Time next_;
  int64_t work_ = 0;
};

}  // namespace backup::server
