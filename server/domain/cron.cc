// SPDX-License-Identifier: Apache-2.0
#include "server/domain/cron.h"

#include <algorithm>
#include <bit>

namespace backup::server {
namespace {

// The Gregorian calendar, days of the week included, repeats after this many years: what does not come by then never
// does.
constexpr int kCalendarCycleYears = 400;
// Civil times beyond this are never looked for; keeps arithmetic far from the ends of absl's types.
constexpr int kLastYear = 9999;

bool HasBit(uint64_t bits, int n) { return ((bits >> n) & 1) != 0; }

// The lowest value in `bits` that is at least `from`; -1 when there is none.
int NextBit(uint64_t bits, int from) {
  if (from > 63) {
    return -1;
  }
  const uint64_t rest = bits & (~uint64_t{0} << from);
  return rest == 0 ? -1 : std::countr_zero(rest);
}

// Sunday is 0, as in crontabs; absl counts from Monday.
int CronWeekday(absl::CivilDay day) { return (static_cast<int>(absl::GetWeekday(day)) + 1) % 7; }

// The instant of a slot at a fixed time: the first of two, or the end of the gap it lies in.
absl::Time InstantOfFixed(absl::CivilMinute slot, const absl::TimeZone& zone) {
  const absl::TimeZone::TimeInfo info = zone.At(absl::CivilSecond(slot));
  return info.kind == absl::TimeZone::TimeInfo::SKIPPED ? info.trans : info.pre;
}

}  // namespace

bool CronSchedule::DayMatches(absl::CivilDay day) const {
  const bool is_last = absl::CivilMonth(day + 1) != absl::CivilMonth(day);
  const bool by_date = HasBit(days_of_month_, day.day()) || (is_last && (days_of_month_ & kLastDayBit) != 0);
  const bool by_weekday = HasBit(days_of_week_, CronWeekday(day));
  return any_day_will_do_ ? by_date || by_weekday : by_date && by_weekday;
}

bool CronSchedule::Matches(absl::CivilMinute minute) const {
  return HasBit(minutes_, minute.minute()) && HasBit(hours_, minute.hour()) && HasBit(months_, minute.month()) &&
         DayMatches(absl::CivilDay(minute));
}

absl::CivilMinute CronSchedule::NextCivil(absl::CivilMinute from) const {
  const absl::CivilYear last(std::min<absl::civil_year_t>(from.year() + kCalendarCycleYears, kLastYear));
  int hour = from.hour();
  int minute = from.minute();
  absl::CivilDay day(from);
  while (absl::CivilYear(day) <= last) {
    if (!HasBit(months_, day.month())) {
      day = absl::CivilDay(absl::CivilMonth(day) + 1);
      hour = minute = 0;
      continue;
    }
    if (DayMatches(day)) {
      if (HasBit(hours_, hour)) {
        if (const int m = NextBit(minutes_, minute); m >= 0) {
          return absl::CivilMinute(day.year(), day.month(), day.day(), hour, m);
        }
      }
      if (const int h = NextBit(hours_, hour + 1); h >= 0) {
        return absl::CivilMinute(day.year(), day.month(), day.day(), h, NextBit(minutes_, 0));
      }
    }
    ++day;
    hour = minute = 0;
  }
  return absl::CivilMinute::max();
}

absl::Time CronSchedule::NextFixed(absl::Time after, const absl::TimeZone& zone) const {
  // Slots map to instants in their own order, and none that the wall clock has passed maps to a later instant.
  absl::CivilMinute slot(zone.At(after).cs);
  while (true) {
    slot = NextCivil(slot);
    if (slot == absl::CivilMinute::max()) {
      return absl::InfiniteFuture();
    }
    if (const absl::Time instant = InstantOfFixed(slot, zone); instant > after) {
      return instant;
    }
    ++slot;
  }
}

absl::Time CronSchedule::NextShown(absl::Time after, const absl::TimeZone& zone) const {
  // Between two changes of the offset the wall clock runs evenly; each such stretch is searched by itself.
  absl::Time start = after + absl::Nanoseconds(1);
  while (true) {
    const absl::TimeZone::CivilInfo shown = zone.At(start);
    absl::CivilMinute from(shown.cs);
    if (shown.cs.second() != 0 || shown.subsecond != absl::ZeroDuration()) {
      ++from;
    }
    const absl::CivilMinute slot = NextCivil(from);
    if (slot == absl::CivilMinute::max()) {
      return absl::InfiniteFuture();
    }
    absl::TimeZone::CivilTransition change;
    const bool changes = zone.NextTransition(start, &change);
    const absl::Time end = changes ? zone.At(change.to).trans : absl::InfiniteFuture();
    const absl::Time instant = start - shown.subsecond + absl::Seconds(absl::CivilSecond(slot) - shown.cs);
    if (instant < end) {
      return instant;
    }
    start = end;
  }
}

absl::Time CronSchedule::Next(absl::Time after, const absl::TimeZone& zone) const {
  if (after == absl::InfiniteFuture()) {
    return after;
  }
  // Nothing was ever due before clocks were; keeps the search finite.
  after = std::max(after, absl::FromCivil(absl::CivilYear(1), absl::UTCTimeZone()));
  return fixed_time_ ? NextFixed(after, zone) : NextShown(after, zone);
}

}  // namespace backup::server
