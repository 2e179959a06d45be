// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "backup/v1/policy.pb.h"
#include "server/domain/cron.h"

namespace backup::server {

// From `begin` on, and before `end`.
struct ExcludedSpan {
  absl::Time begin;
  absl::Time end;
  friend bool operator==(const ExcludedSpan& a, const ExcludedSpan& b) { return a.begin == b.begin && a.end == b.end; }
};

// When no run of a policy may start: spec.schedule.not_during. A span begins by the clock on the wall of the schedule's
// zone and lasts its whole duration, whatever that clock does meanwhile. A value type; safe for concurrent reads.
class Exclusions {
 public:
  // INVALID_ARGUMENT CRON_INVALID, TIME_ZONE_UNKNOWN or SCHEDULE_INVALID; ValidatePolicy says more.
  static absl::StatusOr<Exclusions> Create(const v1::ScheduleSpec& spec);

  bool empty() const { return windows_.empty(); }
  // The shortest duration of a window; InfiniteDuration without any.
  absl::Duration shortest() const;

  // The spans that have a moment in [from, to), in order and apart from each other: spans that meet are one. At most
  // `max_count`; what comes later is left out.
  std::vector<ExcludedSpan> Between(absl::Time from, absl::Time to, size_t max_count = 100) const;

 private:
  struct Window {
    CronSchedule cron;
    absl::Duration duration;
  };
  Exclusions() = default;
  // The span of the windows at or after `from`, grown by those that overlap it; nothing when it begins at or after
  // `to`.
  bool NextSpan(absl::Time from, absl::Time to, ExcludedSpan& span) const;

  std::vector<Window> windows_;
  absl::TimeZone zone_;
};

// When a run of this slot starts at the soonest: `slot + jitter`, or after the excluded span that this falls into,
// again with the jitter if that fits before `deadline`. `deadline` itself when nothing before it is free: such a run
// cannot start at all. `spans` are those of [slot, deadline).
absl::Time FirstStart(absl::Span<const ExcludedSpan> spans, absl::Time slot, absl::Duration jitter,
                      absl::Time deadline);

}  // namespace backup::server
