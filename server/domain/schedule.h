// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "backup/v1/policy.pb.h"
#include "server/domain/cron.h"

namespace backup::server {

// When the runs of a policy are due. A value type; safe for concurrent reads.
class Schedule {
 public:
  // INVALID_ARGUMENT when the spec has not exactly one of cron and every, or either is wrong; ValidatePolicy says more.
  static absl::StatusOr<Schedule> Create(const v1::ScheduleSpec& spec);

  // The first slot later than `after`. InfiniteFuture when there is none. Slots of `every` are the multiples of the
  // interval since 1970-01-01T00:00:00Z.
  absl::Time NextSlot(absl::Time after) const;

  // Nothing for a schedule of a fixed interval.
  const std::optional<CronSchedule>& cron() const { return cron_; }

 private:
  Schedule() = default;

  std::optional<CronSchedule> cron_;
  absl::TimeZone zone_;
  absl::Duration every_;
};

// How much later than its slot this database starts: whole seconds in [0, max). Depends on nothing but the arguments,
// so that it is the same for every run, controller and release.
absl::Duration Jitter(absl::string_view policy, absl::string_view database, absl::Duration max);

}  // namespace backup::server
