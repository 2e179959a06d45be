// SPDX-License-Identifier: Apache-2.0
// For tests: cron as naive as can be, to hold CronSchedule against.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "server/domain/cron.h"

namespace backup::server {

// Numbers only, so that the reference can read them with a few lines of its own.
inline constexpr const char* kSchedules[] = {
    "0 22 * * *",   "30 2 * * *", "0 0 * * *",    "15 1,2,3 * * *",    "0 0-23 * * *",  "0-59/7 2 * * *",
    "30 22 * * 6",  "0 0 1 * *",  "5 3 13 * 5",   "0 4 15 1,4,7,10 *", "59 23 31 12 *", "0 0 29 2 *",
    "*/15 * * * *", "5 * * * *",  "* 2 * * *",    "0 */6 * * *",       "*/30 22 * * *", "*/20 0-2 */3 * 0",
    "45 * 1 * 1",   "0 22 L * *", "15 2 1,L * *", "*/30 * L 2,6 1",
};

// The expression as sets of numbers.
struct Reference {
  explicit Reference(const std::string& expression) {
    const std::array<std::pair<int, int>, 5> ranges = {{{0, 59}, {0, 23}, {1, 31}, {1, 12}, {0, 6}}};
    const std::vector<std::string> texts = absl::StrSplit(expression, ' ');
    for (size_t i = 0; i < 5; ++i) {
      for (const absl::string_view item : absl::StrSplit(texts[i], ',')) {
        if (item == "L") {
          last_day = true;
          continue;
        }
        const std::vector<std::string> stepped = absl::StrSplit(item, '/');
        const std::vector<std::string> ends = absl::StrSplit(stepped[0], '-');
        int first = ranges[i].first;
        int last = ranges[i].second;
        int step = 1;
        if (stepped[0] != "*") {
          EXPECT_TRUE(absl::SimpleAtoi(ends.front(), &first) && absl::SimpleAtoi(ends.back(), &last));
        }
        if (stepped.size() == 2) {
          EXPECT_TRUE(absl::SimpleAtoi(stepped[1], &step));
        }
        for (int value = first; value <= last; value += step) {
          sets[i].insert(value);
        }
      }
    }
    fixed = texts[0][0] != '*' && texts[1][0] != '*';
    either_day = texts[2][0] != '*' && texts[4][0] != '*';
  }

  bool MatchesDay(absl::CivilDay day) const {
    const int weekday = (static_cast<int>(absl::GetWeekday(day)) + 1) % 7;
    const bool by_date = sets[2].contains(day.day()) || (last_day && (day + 1).day() == 1);
    const bool by_weekday = sets[4].contains(weekday);
    return sets[3].contains(day.month()) && (either_day ? by_date || by_weekday : by_date && by_weekday);
  }

  std::array<std::set<int>, 5> sets;
  bool fixed = false;
  bool either_day = false;
  bool last_day = false;
};

// Every slot of a fixed time between two instants: each day's times, moved out of gaps, the first of two.
inline std::vector<absl::Time> WalkDays(const Reference& reference, const absl::TimeZone& zone, absl::Time begin,
                                        absl::Time end) {
  std::set<absl::Time> slots;
  const absl::CivilDay last = absl::CivilDay(zone.At(end).cs) + 2;
  for (absl::CivilDay day = absl::CivilDay(zone.At(begin).cs) - 2; day <= last; ++day) {
    if (!reference.MatchesDay(day)) {
      continue;
    }
    for (const int hour : reference.sets[1]) {
      for (const int minute : reference.sets[0]) {
        const auto info = zone.At(absl::CivilSecond(day.year(), day.month(), day.day(), hour, minute, 0));
        const absl::Time slot = info.kind == absl::TimeZone::TimeInfo::SKIPPED ? info.trans : info.pre;
        if (slot > begin && slot <= end) {
          slots.insert(slot);
        }
      }
    }
  }
  return {slots.begin(), slots.end()};
}

// What the schedule itself says.
inline std::vector<absl::Time> AllNext(const std::string& expression, const absl::TimeZone& zone, absl::Time begin,
                                       absl::Time end) {
  const CronSchedule schedule = *CronSchedule::Parse(expression);
  std::vector<absl::Time> slots;
  for (absl::Time t = schedule.Next(begin, zone); t <= end; t = schedule.Next(t, zone)) {
    slots.push_back(t);
  }
  return slots;
}

}  // namespace backup::server
