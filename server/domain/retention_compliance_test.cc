// SPDX-License-Identifier: Apache-2.0
#include "server/domain/retention_compliance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/proto_json.h"
#include "server/domain/test_data.h"

namespace backup::server {
namespace {

using ::backup::testing::At;
using ::backup::testing::NightlyPolicy;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class RetentionComplianceTest : public ::testing::Test {
 protected:
  static constexpr absl::Duration kDay = absl::Hours(24);

  RetentionComplianceTest() {
    history_.policy = NightlyPolicy();
    retention().Clear();
    retention().set_minimum_good(1);
    *history_.policy.mutable_update_time() = ToProto(At("2025-01-01T00:00:00Z"));
    history_.first_slot = At("2025-01-01T22:00:00Z");
  }
  v1::RetentionSpec& retention() { return *history_.policy.mutable_spec()->mutable_retention(); }
  // A good backup at 22:01 of each of the `count` nights before now, the last `skip` left out.
  void AddNights(int count, int skip = 0) {
    for (int i = skip; i < count; ++i) history_.good.push_back(At("2026-11-22T22:01:00Z") - i * kDay);
  }
  std::vector<std::string> Texts() const {
    std::vector<std::string> texts;
    for (const v1::RetentionShortfall& shortfall : FindShortfalls(history_, now_)) texts.push_back(shortfall.text());
    return texts;
  }

  PolicyHistory history_;
  absl::Time now_ = At("2026-11-23T12:00:00Z");
};

TEST_F(RetentionComplianceTest, RulesThatAreMetAreNotTold) {
  AddNights(400);
  retention().set_keep_last(5);
  retention().set_keep_daily(7);
  retention().set_keep_weekly(5);
  retention().set_keep_monthly(12);
  retention().set_keep_yearly(2);
  *retention().mutable_keep_within() = ToProto(30 * kDay);
  EXPECT_THAT(Texts(), IsEmpty());
}

TEST_F(RetentionComplianceTest, SaysWhichBackupsAreMissing) {
  AddNights(5);
  retention().set_keep_daily(7);
  const std::vector<v1::RetentionShortfall> shortfalls = FindShortfalls(history_, now_);
  ASSERT_EQ(shortfalls.size(), 1u);
  EXPECT_EQ(shortfalls[0].rule(), "keepDaily");
  EXPECT_EQ(shortfalls[0].promised_count(), 7);
  EXPECT_EQ(shortfalls[0].existing_count(), 5);
  EXPECT_EQ(shortfalls[0].cause(), v1::BACKUPS_MISSING);
  EXPECT_EQ(shortfalls[0].text(),
            "keepDaily 7: 5 days have a good backup; there was time for more: good backups are missing");
}

TEST_F(RetentionComplianceTest, AYoungPolicyCannotHaveMore) {
  AddNights(5);
  history_.first_slot = At("2026-11-18T22:00:00Z");  // Five nights ago.
  retention().set_keep_daily(7);
  EXPECT_THAT(Texts(), ElementsAre("keepDaily 7: 5 days have a good backup; the policy is young here: it began "
                                   "2026-11-18T22:00:00Z"));
  EXPECT_EQ(FindShortfalls(history_, now_)[0].cause(), v1::POLICY_YOUNG);
}

TEST_F(RetentionComplianceTest, EnoughSlotsSinceTheFirstMakeItTheBackupsFault) {
  AddNights(5);
  retention().set_keep_daily(7);
  history_.first_slot = At("2026-11-16T22:00:00Z");  // Seven slots, this one and those since.
  EXPECT_EQ(FindShortfalls(history_, now_)[0].cause(), v1::BACKUPS_MISSING);
  history_.first_slot = At("2026-11-17T22:00:00Z");
  EXPECT_EQ(FindShortfalls(history_, now_)[0].cause(), v1::POLICY_YOUNG);
}

TEST_F(RetentionComplianceTest, AChangedPolicyMayHaveAskedForLess) {
  AddNights(5);
  retention().set_keep_daily(7);
  *history_.policy.mutable_update_time() = ToProto(At("2026-11-20T10:00:00Z"));
  EXPECT_THAT(Texts(), ElementsAre("keepDaily 7: 5 days have a good backup; the policy was last changed "
                                   "2026-11-20T10:00:00Z, and may have asked for less before"));
  EXPECT_EQ(FindShortfalls(history_, now_)[0].cause(), v1::POLICY_CHANGED);
}

TEST_F(RetentionComplianceTest, ABackupIsProofThatThePolicyIsOlderThanTheLedger) {
  AddNights(2);
  history_.good.push_back(At("2026-08-01T22:01:00Z"));
  history_.first_slot = At("2026-11-20T22:00:00Z");
  retention().set_keep_daily(7);
  EXPECT_EQ(FindShortfalls(history_, now_)[0].cause(), v1::BACKUPS_MISSING);
}

TEST_F(RetentionComplianceTest, CountsDaysWeeksMonthsAndYearsOfThePolicysZone) {
  history_.good = {At("2026-11-22T23:30:00Z"), At("2026-11-22T22:30:00Z")};  // One day in UTC.
  retention().set_keep_daily(2);
  EXPECT_EQ(FindShortfalls(history_, now_)[0].existing_count(), 1);
  history_.policy.mutable_spec()->mutable_schedule()->set_time_zone("Europe/Berlin");
  EXPECT_THAT(Texts(), IsEmpty()) << "23:30 and, on the next day, 00:30";
}

TEST_F(RetentionComplianceTest, TellsEveryRuleThatFallsShort) {
  AddNights(1);
  retention().set_keep_last(3);
  retention().set_keep_weekly(2);
  retention().set_keep_monthly(2);
  retention().set_keep_yearly(2);
  retention().set_minimum_good(2);
  *retention().mutable_keep_within() = ToProto(30 * kDay);
  const std::string missing = "; there was time for more: good backups are missing";
  EXPECT_THAT(
      Texts(),
      ElementsAre("keepWithin 30d: the oldest good backup is of 2026-11-22T22:01:00Z" + missing,
                  "keepLast 3: 1 good backup" + missing, "keepWeekly 2: 1 week has a good backup" + missing,
                  "keepMonthly 2: 1 month has a good backup" + missing,
                  "keepYearly 2: 1 year has a good backup" + missing, "minimumGood 2: 1 good backup" + missing));
  EXPECT_EQ(FindShortfalls(history_, now_)[0].existing_count(), 13 * 3600 + 59 * 60) << "seconds";
}

TEST_F(RetentionComplianceTest, WithoutAnyGoodBackupSaysSo) {
  retention().set_keep_daily(7);
  EXPECT_THAT(Texts(),
              ElementsAre("keepDaily 7: no day has a good backup; there was time for more: good backups are missing",
                          "minimumGood 1: there is no good backup; there was time for more: good backups are missing"));
  history_.first_slot = absl::InfiniteFuture();
  EXPECT_THAT(Texts(), ElementsAre("keepDaily 7: no day has a good backup; no run was due yet",
                                   "minimumGood 1: there is no good backup; no run was due yet"));
}

TEST_F(RetentionComplianceTest, ABudgetMayBeWhy) {
  AddNights(5);
  retention().set_keep_daily(7);
  retention().set_max_total_bytes(1000);
  EXPECT_THAT(Texts(), ElementsAre("keepDaily 7: 5 days have a good backup; there was time for more: good backups are "
                                   "missing, or maxTotalBytes left no room for them"));
}

TEST_F(RetentionComplianceTest, KeepWithinIsMetOnceTheFirstSlotThatIsYoungEnoughHasItsBackup) {
  *retention().mutable_keep_within() = ToProto(10 * kDay);  // The first slot within is that of the 13th.
  AddNights(10);                                            // From the 13th on.
  EXPECT_THAT(Texts(), IsEmpty());
  history_.good.pop_back();
  EXPECT_THAT(Texts(), IsEmpty()) << "one night is lost in the ledger, not in the reach";
  history_.good.pop_back();
  EXPECT_EQ(FindShortfalls(history_, now_)[0].cause(), v1::BACKUPS_MISSING);
  history_.first_slot = At("2026-11-15T22:00:00Z");
  EXPECT_EQ(FindShortfalls(history_, now_)[0].cause(), v1::POLICY_YOUNG);
}

TEST_F(RetentionComplianceTest, ADenseScheduleOverAWideRuleIsQuick) {
  history_.policy.mutable_spec()->mutable_schedule()->clear_cron();
  *history_.policy.mutable_spec()->mutable_schedule()->mutable_every() = ToProto(absl::Minutes(1));
  history_.first_slot = At("1990-01-01T00:00:00Z");
  *history_.policy.mutable_update_time() = ToProto(At("1990-01-01T00:00:00Z"));
  retention().set_keep_yearly(1000);
  retention().set_keep_daily(1000000);
  const std::vector<v1::RetentionShortfall> shortfalls = FindShortfalls(history_, now_);
  ASSERT_EQ(shortfalls.size(), 3u);
  EXPECT_EQ(shortfalls[1].cause(), v1::POLICY_YOUNG);
}

TEST_F(RetentionComplianceTest, APolicyWithoutAScheduleHasNoShortfalls) {
  history_.policy.mutable_spec()->mutable_schedule()->set_cron("never");
  EXPECT_THAT(FindShortfalls(history_, now_), IsEmpty());
}

}  // namespace
}  // namespace backup::server
