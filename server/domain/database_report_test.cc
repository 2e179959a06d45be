// SPDX-License-Identifier: Apache-2.0
#include "server/domain/database_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "base/proto_json.h"
#include "base/units.h"
#include "server/domain/test_data.h"

namespace backup::server {
namespace {

using ::backup::testing::At;
using ::backup::testing::NightlyPolicy;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A report on ten days of a nightly policy, at noon after them.
class DatabaseReportTest : public ::testing::Test {
 protected:
  static constexpr absl::Duration kDay = absl::Hours(24);
  static constexpr BackupWorth kGood = {v1::GOOD, false};

  DatabaseReportTest() {
    *policy_.mutable_update_time() = ToProto(At("2025-01-01T00:00:00Z"));
    reporter_.AddPolicy(policy_);
  }
  static SlotCount Slots(v1::RunState state, int64_t count, const BackupWorth& backup = {}) {
    return {"policies/nightly", state, backup, count, At("2025-01-01T22:00:00Z")};
  }
  // A backup with a snapshot at this time.
  void AddBackup(const std::string& time, const BackupWorth& worth = kGood) {
    reporter_.AddBackup({At(time), worth, 1000, 100, 10});
  }
  static v1::Run Drill(const std::string& id, v1::RunState state) {
    v1::Run run;
    run.set_name("runs/" + id);
    run.set_kind(v1::DRILL);
    run.set_state(state);
    return run;
  }
  // "3d from 2026-11-14T22:00:00Z".
  std::string LongestGap() {
    const v1::DatabaseReport report = reporter_.Finish();
    if (!report.has_longest_gap()) return "none";
    return absl::StrCat(backup::FormatDuration(ToAbsl(report.longest_gap())), " from ",
                        FormatRfc3339(ToAbsl(report.longest_gap_start_time())));
  }

  const ReportSpan span_ = {At("2026-11-13T12:00:00Z"), At("2026-11-23T12:00:00Z"), At("2026-11-23T12:00:00Z")};
  v1::Policy policy_ = NightlyPolicy();
  DatabaseReporter reporter_{"agents/db1/databases/orders", span_};
};

TEST_F(DatabaseReportTest, CountsWhatBecameOfEachSlot) {
  reporter_.AddSlots(Slots(v1::SUCCEEDED, 100, kGood));
  reporter_.AddSlots(Slots(v1::SUCCEEDED, 20, {v1::DELETED, false}));
  reporter_.AddSlots(Slots(v1::SUCCEEDED, 3, {v1::BAD, true}));
  reporter_.AddSlots(Slots(v1::SUCCEEDED, 2, {v1::SUSPICIOUS, true}));
  reporter_.AddSlots(Slots(v1::SUCCEEDED, 1, {v1::DELETED, true}));
  reporter_.AddSlots(Slots(v1::SUCCEEDED, 1));
  reporter_.AddSlots(Slots(v1::FAILED, 6));
  reporter_.AddSlots(Slots(v1::MISSED, 7));
  reporter_.AddSlots(Slots(v1::SKIPPED, 8));
  reporter_.AddSlots(Slots(v1::LOST, 9));
  reporter_.AddSlots(Slots(v1::CANCELLED, 3));
  reporter_.AddSlots(Slots(v1::SCHEDULED, 1));
  reporter_.AddSlots(Slots(v1::PENDING, 2));
  reporter_.AddSlots(Slots(v1::RUNNING, 4));

  const v1::DatabaseReport report = reporter_.Finish();

  EXPECT_EQ(report.database(), "agents/db1/databases/orders");
  ASSERT_EQ(report.policies_size(), 1);
  const v1::PolicyReport& policy = report.policies(0);
  EXPECT_EQ(policy.policy(), "policies/nightly");
  EXPECT_EQ(policy.expected_count(), 167);
  EXPECT_EQ(policy.good_count(), 120) << "deleted ones were good";
  EXPECT_EQ(policy.not_good_count(), 7) << "bad, suspicious, deleted as bad, and one of which nothing is known";
  EXPECT_EQ(policy.failed_count(), 6);
  EXPECT_EQ(policy.missed_count(), 7);
  EXPECT_EQ(policy.skipped_count(), 8);
  EXPECT_EQ(policy.lost_count(), 9);
  EXPECT_EQ(policy.cancelled_count(), 3);
  EXPECT_EQ(policy.open_count(), 7);
  EXPECT_DOUBLE_EQ(policy.success_ratio(), 120.0 / 160.0) << "of all that ended, skipped and cancelled ones too";
}

TEST_F(DatabaseReportTest, WhatHasNotEndedIsNoFailure) {
  EXPECT_FALSE(DatabaseReporter("agents/a/databases/d", span_).Finish().policies_size());
  reporter_.AddSlots(Slots(v1::RUNNING, 1));
  const v1::DatabaseReport report = reporter_.Finish();
  EXPECT_EQ(report.policies(0).expected_count(), 1);
  EXPECT_FALSE(report.policies(0).has_success_ratio());
}

TEST_F(DatabaseReportTest, ThePoliciesComeByNameAlsoThoseThatAreGone) {
  SlotCount gone = Slots(v1::FAILED, 2);
  gone.policy = "policies/gone";
  reporter_.AddSlots(gone);
  const v1::DatabaseReport report = reporter_.Finish();
  ASSERT_EQ(report.policies_size(), 2);
  EXPECT_EQ(report.policies(0).policy(), "policies/gone");
  EXPECT_FALSE(report.policies(0).has_retention());
  EXPECT_THAT(report.policies(0).shortfalls(), IsEmpty()) << "it promises nothing any more";
  EXPECT_EQ(report.policies(1).retention().policy(), "policies/nightly") << "though there are no backups";
  EXPECT_EQ(report.policies(1).expected_count(), 0);
}

TEST_F(DatabaseReportTest, TheLongestGapIsBetweenSnapshots) {
  AddBackup("2026-11-13T22:00:00Z");
  AddBackup("2026-11-15T22:00:00Z");
  AddBackup("2026-11-18T23:00:00Z");
  AddBackup("2026-11-21T22:00:00Z");
  EXPECT_EQ(LongestGap(), "3d1h from 2026-11-15T22:00:00Z");
}

TEST_F(DatabaseReportTest, TheLongestGapMayBeginBeforeTheSpan) {
  reporter_.SetLastGoodBefore(At("2026-11-10T22:00:00Z"));
  AddBackup("2026-11-17T22:00:00Z");
  AddBackup("2026-11-20T22:00:00Z");
  EXPECT_EQ(LongestGap(), "7d from 2026-11-10T22:00:00Z");
}

TEST_F(DatabaseReportTest, TheLongestGapMayLastToTheSpansEnd) {
  AddBackup("2026-11-13T22:00:00Z");
  AddBackup("2026-11-14T22:00:00Z");
  EXPECT_EQ(LongestGap(), "8d14h from 2026-11-14T22:00:00Z");
}

TEST_F(DatabaseReportTest, WithoutOneBeforeTheGapBeginsWithTheSpan) {
  reporter_.AddSlots(Slots(v1::FAILED, 5));
  AddBackup("2026-11-19T12:00:00Z");
  EXPECT_EQ(LongestGap(), "6d from 2026-11-13T12:00:00Z");
}

TEST_F(DatabaseReportTest, AYoungDatabaseHasNoGapBeforeItsFirstSlot) {
  SlotCount slots = Slots(v1::FAILED, 2);
  slots.policy_first_slot = At("2026-11-20T22:00:00Z");
  reporter_.AddSlots(slots);
  AddBackup("2026-11-22T23:00:00Z");
  EXPECT_EQ(LongestGap(), "2d1h from 2026-11-20T22:00:00Z");
}

TEST_F(DatabaseReportTest, WithoutAnyGoodBackupTheWholeSpanIsAGap) {
  reporter_.AddSlots(Slots(v1::FAILED, 10));
  AddBackup("2026-11-17T22:00:00Z", {v1::BAD, true});
  EXPECT_EQ(LongestGap(), "10d from 2026-11-13T12:00:00Z");
}

TEST_F(DatabaseReportTest, WithoutAnyGoodBackupButAnOlderOneTheGapBeginsThere) {
  reporter_.AddSlots(Slots(v1::FAILED, 10));
  reporter_.SetLastGoodBefore(At("2026-10-01T12:00:00Z"));
  EXPECT_EQ(LongestGap(), "53d from 2026-10-01T12:00:00Z");
}

TEST_F(DatabaseReportTest, NothingThatWasEverDueHasNoGap) { EXPECT_EQ(LongestGap(), "none"); }

TEST_F(DatabaseReportTest, ABackupByHandBeforeTheFirstSlotEndsNoGap) {
  SlotCount slots = Slots(v1::FAILED, 1);
  slots.policy_first_slot = At("2026-11-22T22:00:00Z");
  reporter_.AddSlots(slots);
  AddBackup("2026-11-22T10:00:00Z");
  EXPECT_EQ(LongestGap(), "1d2h from 2026-11-22T10:00:00Z");
}

TEST_F(DatabaseReportTest, BackupsThatWentBadDoNotEndAGapAndDeletedOnesDo) {
  AddBackup("2026-11-13T22:00:00Z");
  AddBackup("2026-11-15T22:00:00Z", {v1::SUSPICIOUS, true});
  AddBackup("2026-11-16T22:00:00Z", {v1::DELETED, true});
  AddBackup("2026-11-17T22:00:00Z", {v1::DELETED, false});
  AddBackup("2026-11-20T22:00:00Z", {v1::DELETING, false});
  AddBackup("2026-11-22T22:00:00Z");
  const v1::DatabaseReport report = reporter_.Finish();
  EXPECT_EQ(ToAbsl(report.longest_gap()), 4 * kDay);
  EXPECT_EQ(report.made_count(), 4);
}

TEST_F(DatabaseReportTest, SizesAreThinnedOutEvenlyWithTheFirstAndTheLast) {
  for (int i = 0; i < 1000; ++i) reporter_.AddBackup({span_.since + absl::Minutes(i), kGood, i, i, i});
  const v1::DatabaseReport report = reporter_.Finish();
  EXPECT_EQ(report.made_count(), 1000);
  ASSERT_EQ(report.sizes_size(), 64) << "every 16th, and the last";
  for (int i = 0; i < 63; ++i) ASSERT_EQ(report.sizes(i).size_bytes(), 16 * i);
  EXPECT_EQ(report.sizes(63).size_bytes(), 999);
}

TEST_F(DatabaseReportTest, SizesAreNeverMoreThanAHundredAndTheLastIsOnceAmongThem) {
  for (int count = 1; count < 1000; ++count) {
    DatabaseReporter reporter("agents/a/databases/d", span_);
    for (int i = 0; i < count; ++i) reporter.AddBackup({span_.since + absl::Minutes(i), kGood, 0, i, 0});
    const v1::DatabaseReport report = reporter.Finish();
    ASSERT_LE(report.sizes_size(), 100) << count;
    ASSERT_GE(report.sizes_size(), std::min(count, 50)) << count;
    ASSERT_EQ(report.sizes(0).size_bytes(), 0);
    ASSERT_EQ(report.sizes(report.sizes_size() - 1).size_bytes(), count - 1) << count;
    for (int i = 1; i < report.sizes_size(); ++i) {
      ASSERT_LT(report.sizes(i - 1).size_bytes(), report.sizes(i).size_bytes()) << count;
    }
  }
}

TEST_F(DatabaseReportTest, DrillsComeOldestFirstWithTheirTimesAndReasons) {
  v1::Run passed = Drill("passed", v1::SUCCEEDED);
  passed.set_backup("backups/b");
  passed.set_state_reason("not asked for");
  *passed.mutable_restore_facts()->mutable_restore_duration() = ToProto(absl::Minutes(12));
  *passed.mutable_spec()->mutable_drill()->mutable_max_duration() = ToProto(absl::Minutes(30));
  v1::Run failed = Drill("failed", v1::FAILED);
  failed.mutable_failure()->set_message("too slow");
  failed.set_manual(true);
  v1::Run skipped = Drill("skipped", v1::SKIPPED);
  skipped.set_state_reason("there is no good backup");
  for (const v1::Run& drill : {skipped, failed, passed}) reporter_.AddDrill(drill);

  const v1::DatabaseReport report = reporter_.Finish();

  ASSERT_EQ(report.drills_size(), 3);
  EXPECT_EQ(report.drills(0).run(), "runs/passed");
  EXPECT_EQ(report.drills(0).backup(), "backups/b");
  EXPECT_EQ(report.drills(0).reason(), "");
  EXPECT_EQ(ToAbsl(report.drills(0).restore_duration()), absl::Minutes(12));
  EXPECT_EQ(ToAbsl(report.drills(0).max_duration()), absl::Minutes(30));
  EXPECT_EQ(report.drills(1).reason(), "too slow");
  EXPECT_TRUE(report.drills(1).manual());
  EXPECT_FALSE(report.drills(1).has_restore_duration());
  EXPECT_FALSE(report.drills(1).has_max_duration());
  EXPECT_EQ(report.drills(2).reason(), "there is no good backup");
}

TEST_F(DatabaseReportTest, OfVeryManyDrillsTheNewestAreTold) {
  for (int i = 150; i > 0; --i) reporter_.AddDrill(Drill(absl::StrCat("d", i), v1::SUCCEEDED));
  const v1::DatabaseReport report = reporter_.Finish();
  ASSERT_EQ(report.drills_size(), 100);
  EXPECT_EQ(report.drills(0).run(), "runs/d51");
  EXPECT_EQ(report.drills(99).run(), "runs/d150");
}

TEST_F(DatabaseReportTest, BackupsThatAreNotGoodAreToldAndMarkedInTheDrillsThatPassedThem) {
  v1::RetentionPlan plan;
  const auto add = [&](const std::string& name, v1::BackupState state, const std::string& reason) {
    v1::Backup& backup = *plan.add_decisions()->mutable_backup();
    backup.set_name("backups/" + name);
    backup.set_state(state);
    backup.set_state_reason(reason);
    *backup.mutable_snapshot_time() = ToProto(At("2026-11-22T22:01:00Z"));
  };
  add("good", v1::GOOD, "");
  add("bad", v1::BAD, "a byte is wrong");
  add("suspicious", v1::SUSPICIOUS, "half the rows");
  for (const char* name : {"good", "bad", "gone"}) {
    v1::Run drill = Drill(name, v1::SUCCEEDED);
    drill.set_backup(absl::StrCat("backups/", name));
    reporter_.AddDrill(drill);
  }
  reporter_.SetRetention(plan);

  const v1::DatabaseReport report = reporter_.Finish();

  EXPECT_EQ(report.flawed_count(), 2);
  ASSERT_EQ(report.flawed_size(), 2);
  EXPECT_EQ(report.flawed(0).backup(), "backups/bad");
  EXPECT_EQ(report.flawed(0).state(), v1::BAD);
  EXPECT_EQ(report.flawed(0).reason(), "a byte is wrong");
  EXPECT_EQ(ToAbsl(report.flawed(0).snapshot_time()), At("2026-11-22T22:01:00Z"));
  EXPECT_EQ(report.flawed(1).backup(), "backups/suspicious");
  ASSERT_EQ(report.drills_size(), 3);
  EXPECT_EQ(report.drills(0).backup_flaw(), v1::BACKUP_STATE_UNSPECIFIED) << report.drills(0).run();
  EXPECT_EQ(report.drills(1).backup_flaw(), v1::BAD);
  EXPECT_EQ(report.drills(2).backup_flaw(), v1::BACKUP_STATE_UNSPECIFIED);
}

TEST_F(DatabaseReportTest, OfVeryManyFlawedBackupsTheNewestAreTold) {
  v1::RetentionPlan plan;
  for (int i = 0; i < 150; ++i) {
    v1::Backup& backup = *plan.add_decisions()->mutable_backup();
    backup.set_name(absl::StrCat("backups/b", i));
    backup.set_state(v1::BAD);
  }
  reporter_.SetRetention(plan);
  const v1::DatabaseReport report = reporter_.Finish();
  EXPECT_EQ(report.flawed_count(), 150);
  ASSERT_EQ(report.flawed_size(), 100);
  EXPECT_EQ(report.flawed(0).backup(), "backups/b0");
}

TEST_F(DatabaseReportTest, RetentionIsToldAndHeldAgainstItsPromises) {
  v1::RetentionPlan plan;
  v1::PolicyRetention& retention = *plan.add_policies();
  retention.set_policy("policies/nightly");
  retention.set_keep_count(4);
  plan.add_policies()->set_policy("policies/other");
  const auto add = [&](const std::string& policy, v1::BackupState state, v1::VerificationLevel level, int days_ago) {
    v1::Backup& backup = *plan.add_decisions()->mutable_backup();
    backup.set_policy(policy);
    backup.set_state(state);
    backup.set_verification_level(level);
    *backup.mutable_snapshot_time() = ToProto(At("2026-11-22T22:01:00Z") - days_ago * kDay);
  };
  add("policies/nightly", v1::GOOD, v1::RESTORED, 0);
  add("policies/nightly", v1::GOOD, v1::STORED, 1);
  add("policies/nightly", v1::BAD, v1::RESTORED, 2);
  add("", v1::GOOD, v1::STORED, 3);
  reporter_.AddSlots(Slots(v1::FAILED, 1));
  reporter_.SetRetention(plan);

  const v1::DatabaseReport report = reporter_.Finish();

  EXPECT_EQ(report.good_backup_count(), 3);
  EXPECT_EQ(report.proven_backup_count(), 1);
  ASSERT_EQ(report.policies_size(), 1);
  EXPECT_EQ(report.policies(0).retention().keep_count(), 4);
  ASSERT_EQ(report.policies(0).shortfalls_size(), 1);
  EXPECT_EQ(report.policies(0).shortfalls(0).text(),
            "keepDaily 7: 2 days have a good backup; there was time for more: good backups are missing");
}

}  // namespace
}  // namespace backup::server
