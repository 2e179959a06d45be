// SPDX-License-Identifier: Apache-2.0
// Next against two slow and simple references, and against the clock changes that matter.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "server/domain/cron.h"
#include "server/domain/cron_reference.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

constexpr const char* kZones[] = {
    "Europe/Berlin",       "America/New_York", "Pacific/Easter",
    "Australia/Lord_Howe", "Antarctica/Troll", "Africa/Cairo",
    "America/Asuncion",    "Asia/Kolkata",     "UTC",
};

absl::TimeZone Zone(const std::string& name) {
  absl::TimeZone zone;
  EXPECT_TRUE(absl::LoadTimeZone(name, &zone)) << name << ": the tzdata package is needed";
  return zone;
}

// Every minute between two instants at which the wall clock shows a match.
std::vector<std::vector<absl::Time>> WalkMinutes(const std::vector<Reference>& references, const absl::TimeZone& zone,
                                                 absl::Time begin, absl::Time end) {
  std::vector<std::vector<absl::Time>> slots(references.size());
  for (absl::Time t = begin + absl::Minutes(1); t <= end; t += absl::Minutes(1)) {
    const absl::CivilSecond shown = zone.At(t).cs;
    for (size_t i = 0; i < references.size(); ++i) {
      const Reference& reference = references[i];
      if (!reference.fixed && reference.sets[0].contains(shown.minute()) && reference.sets[1].contains(shown.hour()) &&
          reference.MatchesDay(absl::CivilDay(shown))) {
        slots[i].push_back(t);
      }
    }
  }
  return slots;
}

class CronNextTest : public ::testing::TestWithParam<const char*> {};

TEST_P(CronNextTest, FixedTimesAreThoseOfAWalkOverTheDays) {
  const absl::TimeZone zone = Zone(GetParam());
  const absl::Time begin = absl::FromUnixSeconds(1672531200);  // 2023-01-01.
  const absl::Time end = begin + absl::Hours(24 * 365 * 6);
  for (const char* expression : kSchedules) {
    const Reference reference(expression);
    if (reference.fixed) {
      EXPECT_EQ(AllNext(expression, zone, begin, end), WalkDays(reference, zone, begin, end)) << expression;
    }
  }
}

TEST_P(CronNextTest, OtherTimesAreThoseOfAWalkOverTheMinutes) {
  const absl::TimeZone zone = Zone(GetParam());
  const absl::Time begin = absl::FromUnixSeconds(1709164800);  // 2024-02-29, then both clock changes of two years.
  const absl::Time end = begin + absl::Hours(24 * 500);
  std::vector<Reference> references;
  for (const char* expression : kSchedules) {
    references.emplace_back(expression);
  }
  const std::vector<std::vector<absl::Time>> walked = WalkMinutes(references, zone, begin, end);
  for (size_t i = 0; i < references.size(); ++i) {
    if (!references[i].fixed) {
      EXPECT_EQ(AllNext(kSchedules[i], zone, begin, end), walked[i]) << kSchedules[i];
    }
  }
}

TEST_P(CronNextTest, IsLaterThanAnyInstantAndSkipsNoSlot) {
  const absl::TimeZone zone = Zone(GetParam());
  testing::FakeRandom random(7);
  for (const char* expression : kSchedules) {
    const CronSchedule schedule = *CronSchedule::Parse(expression);
    for (int i = 0; i < 50; ++i) {
      // 1990 to 2050, with fractions of a second.
      const absl::Time after = absl::FromUnixMillis(631152000000 + static_cast<int64_t>(random.Next() % 1893456000000));
      const absl::Time next = schedule.Next(after, zone);
      ASSERT_GT(next, after) << expression;
      ASSERT_EQ(schedule.Next(next - absl::Nanoseconds(1), zone), next) << expression << " after " << after;
      ASSERT_EQ(schedule.Next(after + (next - after) / 2, zone), next) << expression << " after " << after;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Zones, CronNextTest, ::testing::ValuesIn(kZones), [](const auto& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '/', '_');
  return name;
});

// --- the clock changes, spelt out ---

std::string NextText(const std::string& expression, const std::string& zone, const std::string& after) {
  absl::Time time;
  std::string error;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, after, &time, &error)) << error;
  return absl::FormatTime("%Y-%m-%dT%H:%M:%S%Ez", CronSchedule::Parse(expression)->Next(time, Zone(zone)), Zone(zone));
}

TEST(CronClockChangeTest, ATimeInTheGapRunsOnceAtItsEnd) {
  EXPECT_EQ(NextText("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z"), "2026-03-29T03:00:00+02:00");
  EXPECT_EQ(NextText("30 2 * * *", "Europe/Berlin", "2026-03-29T01:00:00Z"), "2026-03-30T02:30:00+02:00");
  EXPECT_EQ(NextText("0 22 * * *", "Pacific/Easter", "2025-09-06T12:00:00Z"), "2025-09-06T23:00:00-05:00");
  EXPECT_EQ(NextText("15 2 * * *", "Australia/Lord_Howe", "2025-10-04T12:00:00Z"), "2025-10-05T02:30:00+11:00");
  EXPECT_EQ(NextText("30 2 * * *", "Australia/Lord_Howe", "2025-10-04T12:00:00Z"), "2025-10-05T02:30:00+11:00");
  EXPECT_EQ(NextText("0 2 * * *", "Antarctica/Troll", "2025-03-29T12:00:00Z"), "2025-03-30T03:00:00+02:00");
  EXPECT_EQ(NextText("0 0 * * *", "Africa/Cairo", "2025-04-24T12:00:00Z"), "2025-04-25T01:00:00+03:00");
}

TEST(CronClockChangeTest, TwoTimesInOneGapRunOnce) {
  EXPECT_EQ(NextText("15,45 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z"), "2026-03-29T03:00:00+02:00");
  EXPECT_EQ(NextText("15,45 2 * * *", "Europe/Berlin", "2026-03-29T01:00:00Z"), "2026-03-30T02:15:00+02:00");
}

TEST(CronClockChangeTest, ATimeThatComesTwiceRunsAtTheFirst) {
  EXPECT_EQ(NextText("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z"), "2026-10-25T02:30:00+02:00");
  EXPECT_EQ(NextText("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00Z"), "2026-10-26T02:30:00+01:00");
  EXPECT_EQ(NextText("30 21 * * *", "Pacific/Easter", "2025-04-06T02:30:00Z"), "2025-04-06T21:30:00-06:00");
}

TEST(CronClockChangeTest, WhatTheWallClockShowsTwiceRunsTwice) {
  EXPECT_EQ(NextText("30 * * * *", "Europe/Berlin", "2026-10-25T00:00:00Z"), "2026-10-25T02:30:00+02:00");
  EXPECT_EQ(NextText("30 * * * *", "Europe/Berlin", "2026-10-25T00:30:00Z"), "2026-10-25T02:30:00+01:00");
  EXPECT_EQ(NextText("*/30 * * * *", "Europe/Berlin", "2026-10-25T00:30:00Z"), "2026-10-25T02:00:00+01:00");
}

TEST(CronClockChangeTest, WhatTheWallClockDoesNotShowDoesNotRun) {
  EXPECT_EQ(NextText("30 * * * *", "Europe/Berlin", "2026-03-29T00:30:00Z"), "2026-03-29T03:30:00+02:00");
}

// --- rare, far and absurd ---

TEST(CronFarTest, FindsRareDates) {
  EXPECT_EQ(NextText("0 0 29 2 *", "UTC", "2024-02-29T00:00:00Z"), "2028-02-29T00:00:00+00:00");
  EXPECT_EQ(NextText("0 0 29 2 *", "UTC", "1896-02-29T00:00:00Z"), "1904-02-29T00:00:00+00:00");
  EXPECT_EQ(NextText("0 0 29 2 */7", "UTC", "2024-03-01T00:00:00Z"), "2032-02-29T00:00:00+00:00");  // A Sunday.
}

TEST(CronFarTest, EndsWhereTimeEnds) {
  const CronSchedule schedule = *CronSchedule::Parse("0 0 * * *");
  const CronSchedule shown = *CronSchedule::Parse("*/5 * * * *");
  for (const CronSchedule& each : {schedule, shown}) {
    EXPECT_EQ(each.Next(absl::InfiniteFuture(), absl::UTCTimeZone()), absl::InfiniteFuture());
    EXPECT_EQ(each.Next(absl::FromUnixSeconds(int64_t{1} << 60), Zone("Europe/Berlin")), absl::InfiniteFuture());
    EXPECT_GT(each.Next(absl::InfinitePast(), Zone("Europe/Berlin")), absl::InfinitePast());
  }
}

TEST(CronFarTest, IsQuickForEverySchedule) {
  // Two thousand searches over decades; a walk over minutes would take hours.
  const absl::TimeZone zone = Zone("Europe/Berlin");
  const CronSchedule schedule = *CronSchedule::Parse("*/59 23 29 2 */6");
  absl::Time t = absl::FromUnixSeconds(0);
  for (int i = 0; i < 2000; ++i) {
    const absl::Time next = schedule.Next(t, zone);
    if (next == absl::InfiniteFuture()) {
      break;
    }
    ASSERT_GT(next, t);
    t = next;
  }
}

}  // namespace
}  // namespace backup::server
