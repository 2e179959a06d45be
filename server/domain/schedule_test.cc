// SPDX-License-Identifier: Apache-2.0
#include "server/domain/schedule.h"

#include <gtest/gtest.h>

#include <map>

#include "absl/strings/str_cat.h"
#include "base/proto_json.h"
#include "server/domain/time_zone.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::HasHint;
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::testing::HasSubstr;

v1::ScheduleSpec Every(absl::Duration every) {
  v1::ScheduleSpec spec;
  *spec.mutable_every() = ToProto(every);
  return spec;
}

TEST(ScheduleTest, ReadsCronInItsZone) {
  v1::ScheduleSpec spec;
  spec.set_cron("0 22 * * *");
  spec.set_time_zone("Asia/Kolkata");
  const absl::StatusOr<Schedule> schedule = Schedule::Create(spec);
  ASSERT_THAT(schedule, IsOk());
  EXPECT_EQ(schedule->NextSlot(absl::FromUnixSeconds(0)), absl::FromUnixSeconds(16 * 3600 + 1800));
}

TEST(ScheduleTest, IntervalsCountFromTheEpoch) {
  const Schedule schedule = *Schedule::Create(Every(absl::Hours(1)));
  EXPECT_EQ(schedule.NextSlot(absl::FromUnixSeconds(10)), absl::FromUnixSeconds(3600));
  EXPECT_EQ(schedule.NextSlot(absl::FromUnixSeconds(3600)), absl::FromUnixSeconds(7200));
  EXPECT_EQ(schedule.NextSlot(absl::FromUnixSeconds(-10)), absl::FromUnixSeconds(0));
  EXPECT_EQ(schedule.NextSlot(absl::InfiniteFuture()), absl::InfiniteFuture());
}

TEST(ScheduleTest, WantsExactlyOneOfCronAndEvery) {
  EXPECT_THAT(Schedule::Create(v1::ScheduleSpec()), HasReason("SCHEDULE_INVALID"));
  v1::ScheduleSpec both = Every(absl::Hours(1));
  both.set_cron("0 22 * * *");
  EXPECT_THAT(Schedule::Create(both), HasReason("SCHEDULE_INVALID"));
  EXPECT_THAT(Schedule::Create(Every(absl::ZeroDuration())), HasReason("SCHEDULE_INVALID"));
  EXPECT_THAT(Schedule::Create(Every(absl::Seconds(59))), HasReason("SCHEDULE_INVALID"));
}

TEST(JitterTest, IsTheSameForEverAndWithinItsLimit) {
  const absl::Duration max = absl::Minutes(10);
  // A change of these numbers would move every run of every user.
  EXPECT_EQ(Jitter("policies/nightly", "agents/db1/databases/orders", max), absl::Seconds(168));
  EXPECT_EQ(Jitter("policies/nightly", "agents/db1/databases/users", max), absl::Seconds(559));
  EXPECT_EQ(Jitter("policies/nightly", "agents/db1/databases/orders", absl::ZeroDuration()), absl::ZeroDuration());
  EXPECT_EQ(Jitter("policies/nightly", "agents/db1/databases/orders", -max), absl::ZeroDuration());
}

TEST(JitterTest, SpreadsEvenly) {
  std::map<int64_t, int> minutes;
  for (int i = 0; i < 1000; ++i) {
    const absl::Duration jitter =
        Jitter("policies/nightly", absl::StrCat("agents/db", i, "/databases/x"), absl::Minutes(10));
    EXPECT_GE(jitter, absl::ZeroDuration());
    EXPECT_LT(jitter, absl::Minutes(10));
    ++minutes[absl::ToInt64Minutes(jitter)];
  }
  EXPECT_EQ(minutes.size(), 10);
  for (const auto& [minute, count] : minutes) {
    EXPECT_GT(count, 60) << minute;
    EXPECT_LT(count, 150) << minute;
  }
}

TEST(TimeZoneTest, FindsIanaNames) {
  EXPECT_EQ(FindTimeZone("")->name(), "UTC");
  EXPECT_EQ(FindTimeZone("Europe/Berlin")->name(), "Europe/Berlin");
  EXPECT_THAT(FindTimeZone("Etc/GMT+5"), IsOk());
  EXPECT_THAT(FindTimeZone("America/Argentina/Buenos_Aires"), IsOk());
}

TEST(TimeZoneTest, HintsAtTheNearestName) {
  EXPECT_THAT(FindTimeZone("Europe/Berln"), HasReason("TIME_ZONE_UNKNOWN"));
  EXPECT_THAT(FindTimeZone("Europe/Berln"), HasHint(HasSubstr("Europe/Berlin")));
  EXPECT_THAT(FindTimeZone("europe/berlin"), HasHint(HasSubstr("Europe/Berlin")));
  EXPECT_THAT(FindTimeZone("America/New York"), HasHint(HasSubstr("America/New_York")));
  EXPECT_THAT(FindTimeZone("Mars/Olympus"), HasHint(HasSubstr("IANA name")));
}

TEST(TimeZoneTest, OpensNoPaths) {
  for (const char* name : {"/etc/passwd", "../../etc/passwd", "localtime", "Europe/../Europe/Berlin", "posix/UTC",
                           "right/UTC", "Europe//Berlin", ":UTC", "file:/etc/localtime", " ", "\n", "-", "UTC\x1b"}) {
    EXPECT_THAT(FindTimeZone(name), HasReason("TIME_ZONE_UNKNOWN")) << name;
  }
  EXPECT_THAT(FindTimeZone(std::string(100000, 'A')), HasReason("TIME_ZONE_UNKNOWN"));
  EXPECT_THAT(FindTimeZone(std::string("UTC\0x", 5)), HasReason("TIME_ZONE_UNKNOWN"));
}

}  // namespace
}  // namespace backup::server
