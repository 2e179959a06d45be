// SPDX-License-Identifier: Apache-2.0
#include "server/domain/planned_starts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/proto_json.h"
#include "server/domain/test_data.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::At;
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::testing::ElementsAre;

class PlannedStartsTest : public ::testing::Test {
 protected:
  PlannedStartsTest() {
    spec_.set_time_zone("UTC");
    *spec_.mutable_start_deadline() = ToProto(absl::Hours(2));
  }
  void Exclude(const std::string& cron, absl::Duration duration) {
    v1::ExclusionWindow& window = *spec_.add_not_during();
    window.set_cron(cron);
    *window.mutable_duration() = ToProto(duration);
  }
  // The first `count` starts, as "Fri 22:00".
  std::vector<std::string> Starts(int count) const {
    absl::StatusOr<PlannedStarts> starts = PlannedStarts::Create(spec_, At("2026-11-27T12:00:00Z"));
    EXPECT_THAT(starts, IsOk());
    std::vector<std::string> texts;
    while (starts.ok() && static_cast<int>(texts.size()) < count) {
      texts.push_back(absl::FormatTime("%a %H:%M", starts->next(), absl::UTCTimeZone()));
      starts->Advance();
    }
    return texts;
  }

  v1::ScheduleSpec spec_;
};

TEST_F(PlannedStartsTest, WithoutExclusionsSlotsStartAtTheirTime) {
  spec_.set_cron("0 22 * * *");
  EXPECT_THAT(Starts(3), ElementsAre("Fri 22:00", "Sat 22:00", "Sun 22:00"));
}

TEST_F(PlannedStartsTest, ASlotWaitsForTheEndOfTheSpan) {
  spec_.set_cron("0 22 * * *");
  Exclude("30 21 * * 6", absl::Minutes(90));
  EXPECT_THAT(Starts(3), ElementsAre("Fri 22:00", "Sat 23:00", "Sun 22:00"));
}

TEST_F(PlannedStartsTest, ASlotWhoseDeadlineIsWithinTheSpanNeverStarts) {
  spec_.set_cron("0 22 * * *");
  Exclude("0 21 * * 6", absl::Hours(3));
  EXPECT_THAT(Starts(2), ElementsAre("Fri 22:00", "Sun 22:00"));
}

TEST_F(PlannedStartsTest, ASlotOfBeforeThatWaitsIsTheFirst) {
  spec_.set_cron("0 11 * * *");
  Exclude("0 10 * * 5", absl::Minutes(150));
  EXPECT_THAT(Starts(2), ElementsAre("Fri 12:30", "Sat 11:00"));
}

TEST_F(PlannedStartsTest, OfSlotsThatWaitForTheSameMomentOneStarts) {
  spec_.set_cron("0,20,40 22 * * *");
  Exclude("0 22 * * *", absl::Minutes(40));
  EXPECT_THAT(Starts(3), ElementsAre("Fri 22:40", "Sat 22:40", "Sun 22:40"));
}

TEST_F(PlannedStartsTest, WhenNothingEverStartsThereIsAnEnd) {
  spec_.set_cron("0 22 * * *");
  Exclude("0 * * * *", absl::Hours(3));
  const absl::StatusOr<PlannedStarts> starts = PlannedStarts::Create(spec_, At("2026-11-27T12:00:00Z"));
  ASSERT_THAT(starts, IsOk());
  EXPECT_EQ(starts->next(), absl::InfiniteFuture());
}

// Three months of minutes that cannot start are one span.
TEST_F(PlannedStartsTest, ALongExclusionIsPassedInOneStep) {
  *spec_.mutable_every() = ToProto(absl::Minutes(1));
  Exclude("0 0 * 12,1,2 *", absl::Hours(24));
  absl::StatusOr<PlannedStarts> starts = PlannedStarts::Create(spec_, At("2026-11-30T23:58:30Z"));
  ASSERT_THAT(starts, IsOk());
  EXPECT_EQ(starts->next(), At("2026-11-30T23:59:00Z"));
  const int64_t work = starts->work();
  starts->Advance();
  EXPECT_EQ(starts->next(), At("2027-03-01T00:00:00Z"));
  EXPECT_LT(starts->work() - work, 5000);
}

// Spans of a minute each, one after the other, are one: it is grown once, not anew for each slot.
TEST_F(PlannedStartsTest, ManyShortSpansAreNotLookedAtTwice) {
  *spec_.mutable_every() = ToProto(absl::Minutes(1));
  *spec_.mutable_start_deadline() = ToProto(absl::Hours(7 * 24));
  Exclude("* * * * 1-6", absl::Minutes(1));
  absl::StatusOr<PlannedStarts> starts = PlannedStarts::Create(spec_, At("2026-11-29T23:58:30Z"));  // A Sunday.
  ASSERT_THAT(starts, IsOk());
  EXPECT_EQ(starts->next(), At("2026-11-29T23:59:00Z"));
  starts->Advance();
  EXPECT_EQ(starts->next(), At("2026-12-06T00:00:00Z"));
  EXPECT_LT(starts->work(), 20'000);
  starts->Advance();
  EXPECT_EQ(starts->next(), At("2026-12-06T00:01:00Z"));
}

TEST_F(PlannedStartsTest, RefusesWhatCannotBeRead) {
  spec_.set_cron("0 22 * * *");
  Exclude("nonsense", absl::Hours(3));
  EXPECT_THAT(PlannedStarts::Create(spec_, At("2026-11-27T12:00:00Z")), HasReason("CRON_INVALID"));
}

}  // namespace
}  // namespace backup::server
