// SPDX-License-Identifier: Apache-2.0
#include "server/domain/exclusions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "base/proto_json.h"
#include "base/units.h"
#include "server/domain/test_data.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::At;
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Windows = std::vector<std::pair<std::string, absl::Duration>>;

v1::ScheduleSpec NotDuring(const std::string& zone, const Windows& windows) {
  v1::ScheduleSpec spec;
  spec.set_time_zone(zone);
  for (const auto& [cron, duration] : windows) {
    v1::ExclusionWindow& window = *spec.add_not_during();
    window.set_cron(cron);
    *window.mutable_duration() = ToProto(duration);
  }
  return spec;
}

// "begin/end" of the spans between two times.
std::vector<std::string> Spans(const v1::ScheduleSpec& spec, const std::string& from, const std::string& to) {
  const absl::StatusOr<Exclusions> exclusions = Exclusions::Create(spec);
  EXPECT_THAT(exclusions, IsOk());
  std::vector<std::string> texts;
  for (const ExcludedSpan& span : exclusions->Between(At(from), At(to))) {
    texts.push_back(FormatRfc3339(span.begin) + "/" + FormatRfc3339(span.end));
  }
  return texts;
}

TEST(ExclusionsTest, GivesTheSpansThatTouchATime) {
  const v1::ScheduleSpec spec = NotDuring("UTC", {{"0 8 * * *", absl::Hours(10)}});
  EXPECT_THAT(Spans(spec, "2026-11-23T17:00:00Z", "2026-11-24T09:00:00Z"),
              ElementsAre("2026-11-23T08:00:00Z/2026-11-23T18:00:00Z", "2026-11-24T08:00:00Z/2026-11-24T18:00:00Z"));
  EXPECT_THAT(Spans(spec, "2026-11-23T18:00:00Z", "2026-11-24T08:00:00Z"), IsEmpty()) << "its end is free";
  EXPECT_THAT(Spans(spec, "2026-11-24T08:00:00Z", "2026-11-24T08:01:00Z"), SizeIs(1)) << "its begin is not";
}

TEST(ExclusionsTest, SpansThatMeetAreOne) {
  const v1::ScheduleSpec spec = NotDuring(
      "UTC", {{"0 8 * * *", absl::Hours(2)}, {"30 9 * * *", absl::Hours(1)}, {"30 10 * * *", absl::Hours(1)}});
  EXPECT_THAT(Spans(spec, "2026-11-23T09:00:00Z", "2026-11-23T23:00:00Z"),
              ElementsAre("2026-11-23T08:00:00Z/2026-11-23T11:30:00Z"));
}

TEST(ExclusionsTest, ManyShortSpansGrowIntoALongOne) {
  // Each begins before the one before has ended, on working days.
  const v1::ScheduleSpec spec = NotDuring("UTC", {{"*/5 8-17 * * 1-5", absl::Minutes(30)}});
  EXPECT_THAT(Spans(spec, "2026-11-23T07:00:00Z", "2026-11-24T07:00:00Z"),
              ElementsAre("2026-11-23T08:00:00Z/2026-11-23T18:25:00Z"));
}

TEST(ExclusionsTest, ASpanIsAsLongAsItSaysWhateverTheClockDoes) {
  // The clock goes from 02:00 to 03:00, and in autumn from 03:00 back to 02:00.
  const v1::ScheduleSpec spec = NotDuring("Europe/Berlin", {{"0 1 * * *", absl::Hours(3)}});
  EXPECT_THAT(Spans(spec, "2026-03-29T00:00:00Z", "2026-03-29T12:00:00Z"),
              ElementsAre("2026-03-29T00:00:00Z/2026-03-29T03:00:00Z"));
  EXPECT_THAT(Spans(spec, "2026-10-25T00:00:00Z", "2026-10-25T12:00:00Z"),
              ElementsAre("2026-10-24T23:00:00Z/2026-10-25T02:00:00Z"));
}

TEST(ExclusionsTest, ABeginThatTheClockLeavesOutComesRightAfter) {
  const v1::ScheduleSpec spec = NotDuring("Europe/Berlin", {{"30 2 * * *", absl::Hours(1)}});
  EXPECT_THAT(Spans(spec, "2026-03-29T00:00:00Z", "2026-03-29T12:00:00Z"),
              ElementsAre("2026-03-29T01:00:00Z/2026-03-29T02:00:00Z"));
}

TEST(ExclusionsTest, TheListIsBounded) {
  const absl::StatusOr<Exclusions> exclusions =
      Exclusions::Create(NotDuring("UTC", {{"*/2 * * * *", absl::Minutes(1)}}));
  ASSERT_THAT(exclusions, IsOk());
  EXPECT_THAT(exclusions->Between(At("2026-11-23T00:00:00Z"), At("2026-11-30T00:00:00Z")), SizeIs(100));
}

TEST(ExclusionsTest, RefusesWhatIsNoSpan) {
  EXPECT_THAT(Exclusions::Create(NotDuring("UTC", {{"x", absl::Hours(1)}})), HasReason("CRON_INVALID"));
  EXPECT_THAT(Exclusions::Create(NotDuring("UTC", {{"0 8 * * *", absl::Seconds(59)}})), HasReason("SCHEDULE_INVALID"));
  EXPECT_THAT(Exclusions::Create(NotDuring("UTC", {{"0 8 * * *", absl::Hours(169)}})), HasReason("SCHEDULE_INVALID"));
}

class FirstStartTest : public ::testing::Test {
 protected:
  const absl::Time slot_ = At("2026-11-23T22:00:00Z");
  const absl::Time deadline_ = slot_ + absl::Hours(6);
  const absl::Duration jitter_ = absl::Minutes(10);
};

TEST_F(FirstStartTest, IsTheSlotWithItsJitterWhenNothingIsInTheWay) {
  EXPECT_EQ(FirstStart({}, slot_, jitter_, deadline_), slot_ + jitter_);
  const std::vector<ExcludedSpan> spans = {{slot_, slot_ + absl::Minutes(5)}};
  EXPECT_EQ(FirstStart(spans, slot_, jitter_, deadline_), slot_ + jitter_);
}

TEST_F(FirstStartTest, IsAfterTheSpanAndStillSpread) {
  const std::vector<ExcludedSpan> spans = {{slot_, slot_ + absl::Hours(1)}};
  EXPECT_EQ(FirstStart(spans, slot_, jitter_, deadline_), slot_ + absl::Hours(1) + jitter_);
}

TEST_F(FirstStartTest, TheEndOfASpanIsFree) {
  const std::vector<ExcludedSpan> spans = {{slot_ - absl::Hours(1), slot_ + jitter_}};
  EXPECT_EQ(FirstStart(spans, slot_, jitter_, deadline_), slot_ + jitter_) << "where the jitter puts it";
}

TEST_F(FirstStartTest, GivesUpTheJitterRatherThanTheRun) {
  const std::vector<ExcludedSpan> late = {{slot_, deadline_ - absl::Minutes(5)}};
  EXPECT_EQ(FirstStart(late, slot_, jitter_, deadline_), deadline_ - absl::Minutes(5));
  const std::vector<ExcludedSpan> two = {{slot_, slot_ + absl::Hours(1)},
                                         {slot_ + absl::Minutes(65), slot_ + absl::Hours(2)}};
  EXPECT_EQ(FirstStart(two, slot_, jitter_, deadline_), slot_ + absl::Hours(1));
}

TEST_F(FirstStartTest, IsTheDeadlineWhenNothingIsFree) {
  const std::vector<ExcludedSpan> spans = {{slot_, deadline_}};
  EXPECT_EQ(FirstStart(spans, slot_, jitter_, deadline_), deadline_);
}

}  // namespace
}  // namespace backup::server
