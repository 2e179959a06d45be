// SPDX-License-Identifier: Apache-2.0
#include "server/domain/past_slots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/domain/test_data.h"

namespace backup::server {
namespace {

using ::backup::testing::At;
using ::testing::ElementsAre;
using ::testing::SizeIs;

Schedule CronOf(const std::string& cron) {
  v1::ScheduleSpec spec;
  spec.set_cron(cron);
  spec.set_time_zone("UTC");
  return *Schedule::Create(spec);
}

TEST(PastSlotsTest, AreThoseAfterTheLastOneUntilNow) {
  const Schedule hourly = CronOf("0 * * * *");
  const absl::Time now = At("2026-11-23T12:00:00Z");
  bool left_out = true;
  EXPECT_THAT(PastSlots(hourly, now - absl::Hours(2), now, &left_out), ElementsAre(now - absl::Hours(1), now));
  EXPECT_FALSE(left_out);
  EXPECT_THAT(PastSlots(hourly, now, now, &left_out), SizeIs(0));
}

TEST(PastSlotsTest, AYearOfHoursIsNotTooMuch) {
  const absl::Time now = At("2026-11-23T12:00:00Z");
  bool left_out = true;
  EXPECT_THAT(PastSlots(CronOf("0 * * * *"), now - absl::Hours(24 * 365), now, &left_out), SizeIs(24 * 365));
  EXPECT_FALSE(left_out);
}

TEST(PastSlotsTest, TheOldestGoWhenThereAreTooMany) {
  const absl::Time now = At("2026-11-23T12:00:00Z");
  bool left_out = false;
  const std::vector<absl::Time> slots = PastSlots(CronOf("* * * * *"), now - absl::Hours(24 * 365), now, &left_out);
  ASSERT_THAT(slots, SizeIs(kMaxCatchUpSlots));
  EXPECT_EQ(slots.back(), now);
  EXPECT_EQ(slots.front(), now - absl::Minutes(kMaxCatchUpSlots - 1));
  EXPECT_TRUE(left_out);
}

TEST(PastSlotsTest, WhatIsTooLongAgoIsLeftOutAndSaid) {
  const absl::Time now = At("2026-11-23T12:00:00Z");
  bool left_out = false;
  EXPECT_THAT(PastSlots(CronOf("0 0 1 1 *"), now - absl::Hours(24 * 3650), now, &left_out), SizeIs(1));
  EXPECT_TRUE(left_out);
}

class JudgePastSlotsTest : public ::testing::Test {
 protected:
  JudgePastSlotsTest() {
    for (int hours = 9; hours >= 0; --hours) {
      slots_.push_back(now_ - absl::Hours(hours));
    }
  }
  // State and cause of each.
  std::vector<std::string> Judge(bool paused = false, size_t limit = 100) {
    std::vector<std::string> texts;
    for (const PastSlot& slot : JudgePastSlots(
             slots_, limit,
             [this](absl::Time time) {
               const absl::Time deadline = time + deadline_;
               return StartTimes{time >= excluded_from_ ? deadline : time, deadline};
             },
             paused, now_)) {
      texts.push_back(slot.state == v1::SCHEDULED
                          ? "SCHEDULED"
                          : absl::StrCat(v1::RunState_Name(slot.state), " ", v1::NotStartedCause_Name(slot.why.cause)));
    }
    return texts;
  }

  const absl::Time now_ = At("2026-11-23T12:00:00Z");
  absl::Duration deadline_ = absl::Hours(3);
  absl::Time excluded_from_ = absl::InfiniteFuture();
  std::vector<absl::Time> slots_;
};

TEST_F(JudgePastSlotsTest, TheNewestStandsInForTheOthers) {
  std::vector<std::string> expected(7, "MISSED CONTROLLER_DOWN");
  expected.insert(expected.end(), 2, "MISSED SUPERSEDED");
  expected.emplace_back("SCHEDULED");
  EXPECT_EQ(Judge(), expected);
}

TEST_F(JudgePastSlotsTest, WhenAllDeadlinesAreOverNothingRuns) {
  deadline_ = absl::Minutes(30);
  slots_.pop_back();
  EXPECT_EQ(Judge(), std::vector<std::string>(9, "MISSED CONTROLLER_DOWN"));
}

TEST_F(JudgePastSlotsTest, OneThatCannotStartStandsInForNone) {
  excluded_from_ = now_ - absl::Minutes(30);
  std::vector<std::string> expected(7, "MISSED CONTROLLER_DOWN");
  expected.insert(expected.end(), {"MISSED SUPERSEDED", "SCHEDULED", "SKIPPED EXCLUDED_WINDOW"});
  EXPECT_EQ(Judge(), expected);
}

TEST_F(JudgePastSlotsTest, APausedPolicyMissesNothing) {
  EXPECT_EQ(Judge(/*paused=*/true), std::vector<std::string>(10, "SKIPPED POLICY_PAUSED"));
}

TEST_F(JudgePastSlotsTest, InPartsTheVerdictIsTheSame) {
  const std::vector<std::string> all = Judge();
  std::vector<std::string> parts;
  while (!slots_.empty()) {
    const std::vector<std::string> part = Judge(false, 3);
    parts.insert(parts.end(), part.begin(), part.end());
    slots_.erase(slots_.begin(), slots_.begin() + static_cast<int>(part.size()));
  }
  EXPECT_EQ(parts, all);
}

}  // namespace
}  // namespace backup::server
