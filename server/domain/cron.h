// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"

namespace backup::server {

// A five-field cron expression: minute (0-59), hour (0-23), day of month (1-31), month (1-12 or jan-dec), day of week
// (0-7 or sun-sat; 0 and 7 are Sunday). A field is a list of `*`, N, N-M, and `*/S` or `N-M/S`; among the days of the
// month also L, the last of it. Also @hourly, @daily, @midnight, @weekly, @monthly, @yearly and @annually.
//
// Days as in Vixie cron: when day of month and day of week are both restricted (neither begins with `*`), a day that
// matches either will do; else it must match both.
//
// Clock changes, as in Vixie cron and its heirs:
// - Minute and hour both without a leading `*` (a fixed time): every day of the schedule runs. A time that a day lacks,
//   because the clock was put forward over it, runs once at the first instant after the gap; a time that a day has
//   twice runs at the first of the two. Times that fall on one instant run once.
// - Otherwise (`*/15 * * * *`, `5 * * * *`): whenever the clock on the wall shows a matching minute; what is not shown
//   does not run, what is shown twice runs twice.
//
// A value type; safe for concurrent reads.
class CronSchedule {
 public:
  // In the field of the days of the month, for L.
  static constexpr uint64_t kLastDayBit = 1;

  // INVALID_ARGUMENT CRON_INVALID: which field, what is wrong with it and what it accepts. A date that never comes
  // (`0 0 31 2 *`) is refused too.
  static absl::StatusOr<CronSchedule> Parse(absl::string_view text);

  // The first time of the schedule that is later than `after`. InfiniteFuture when `after` is, or lies so far off that
  // civil time ends. Looks at days, not minutes: quick for any schedule.
  absl::Time Next(absl::Time after, const absl::TimeZone& zone) const;

  // Whether a clock that shows `minute` is on a time of the schedule.
  bool Matches(absl::CivilMinute minute) const;

  // True when clock changes are treated by the rule for fixed times.
  bool is_fixed_time() const { return fixed_time_; }

 private:
  CronSchedule() = default;

  bool DayMatches(absl::CivilDay day) const;
  // The first matching minute at or after `from`; CivilMinute::max() when there is none.
  absl::CivilMinute NextCivil(absl::CivilMinute from) const;
  absl::Time NextFixed(absl::Time after, const absl::TimeZone& zone) const;
  absl::Time NextShown(absl::Time after, const absl::TimeZone& zone) const;

  // Bit N stands for value N.
  uint64_t minutes_ = 0;
  uint64_t hours_ = 0;
  uint64_t days_of_month_ = 0;
  uint64_t months_ = 0;
  uint64_t days_of_week_ = 0;
  bool any_day_will_do_ = false;  // Both day fields are restricted.
  bool fixed_time_ = false;
};

}  // namespace backup::server
