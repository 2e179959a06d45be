// SPDX-License-Identifier: Apache-2.0
#include "server/domain/deletion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/proto_json.h"
#include "server/domain/run_cancel.h"
#include "server/domain/run_completion.h"
#include "server/domain/run_state.h"
#include "server/domain/test_data.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::AgentSeenAt;
using ::backup::testing::At;
using ::backup::testing::DatabaseOf;
using ::backup::testing::FakeRandom;
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::NightlyPolicy;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class DeletionTest : public ::testing::Test {
 protected:
  DeletionTest() {
    view_.database = DatabaseOf("db1", "orders");
    view_.agent = AgentSeenAt("db1", now_);
    view_.agent->add_capabilities("delete");
    v1::Policy policy = NightlyPolicy();
    policy.mutable_spec()->mutable_retention()->clear_keep_daily();
    policy.mutable_spec()->mutable_retention()->set_keep_last(3);
    policy.mutable_spec()->mutable_retention()->set_minimum_good(2);
    view_.policies[policy.name()] = policy;
  }
  // b1 is the oldest.
  v1::Backup& Add(v1::BackupState state = v1::GOOD) {
    v1::Backup& backup = view_.backups.emplace_back();
    const int number = static_cast<int>(view_.backups.size());
    backup.set_name(NameOf(number));
    backup.set_sequence(number);
    backup.set_database(view_.database.name());
    backup.set_policy("policies/nightly");
    backup.set_state(state);
    *backup.mutable_snapshot_time() = ToProto(now_ - absl::Hours(100 - number));
    return backup;
  }
  void AddGood(int count) {
    for (int i = 0; i < count; ++i) Add();
  }
  static std::string NameOf(int number) { return absl::StrCat("backups/20261121T220000Z-aaaaaaaaa", number); }
  DatabaseBackupsChange Apply(const RetentionOrder& order = {"controller"}) {
    return ApplyRetention(view_, order, now_, random_);
  }
  absl::StatusOr<DatabaseBackupsChange> Delete(int number, const std::string& reason = "") {
    return DeleteBackup(view_, NameOf(number), reason, "users/alice", now_, random_);
  }
  static std::vector<std::string> NamesOf(const DatabaseBackupsChange& change) {
    std::vector<std::string> names;
    for (const v1::Backup& backup : change.backups) names.push_back(backup.name());
    return names;
  }
  // The view of the run that deletes `backup`, which is being worked on.
  RunView WorkingOn(const v1::Backup& backup, const v1::Run& run) {
    RunView view;
    view.run = run;
    view.run.set_state(v1::RUNNING);
    view.run.set_attempt_id("a1");
    view.backup = backup;
    return view;
  }
  absl::StatusOr<RunChange> Complete(const RunView& view, v1::RunState state) {
    v1::AttemptRef attempt;
    attempt.set_run(view.run.name());
    attempt.set_attempt_id("a1");
    attempt.set_epoch(view.run.epoch());
    v1::RunResult result;
    result.set_state(state);
    *result.mutable_end_time() = ToProto(now_);
    return CompleteRun(view, attempt, result, now_);
  }

  const absl::Time now_ = At("2026-11-23T12:00:00Z");
  DatabaseBackupsView view_;
  FakeRandom random_;
};

TEST_F(DeletionTest, WhatGoesIsMarkedAndGetsARunTheOldestFirst) {
  AddGood(5);
  const DatabaseBackupsChange change = Apply();
  EXPECT_THAT(NamesOf(change), ElementsAre(NameOf(1), NameOf(2)));
  ASSERT_THAT(change.create_runs, SizeIs(2));
  const v1::Backup& backup = change.backups[0];
  const v1::Run& run = change.create_runs[0];
  EXPECT_EQ(backup.state(), v1::DELETING);
  EXPECT_EQ(backup.delete_run(), run.name());
  EXPECT_EQ(backup.delete_reason(), "retention: no rule keeps it");
  EXPECT_EQ(run.kind(), v1::DELETE);
  EXPECT_EQ(run.state(), v1::PENDING);
  EXPECT_EQ(run.backup(), NameOf(1));
  EXPECT_EQ("backups/" + run.spec().backup_id(), NameOf(1));
  EXPECT_EQ(ToAbsl(run.start_deadline_time()), now_ + absl::Hours(7 * 24));
  EXPECT_NE(run.name(), change.create_runs[1].name());
  ASSERT_THAT(change.events, SizeIs(2));
  EXPECT_EQ(change.events[0].type(), "BACKUP_DELETING");
  EXPECT_EQ(change.events[0].actor(), "controller");
}

TEST_F(DeletionTest, WhatIsBeingDeletedCountsForNothing) {
  AddGood(5);
  view_.backups[4].set_state(v1::DELETING);
  view_.backups[4].set_delete_run("runs/x");
  EXPECT_THAT(NamesOf(Apply()), ElementsAre(NameOf(1))) << "three of the four others stay";
}

TEST_F(DeletionTest, FrozenRetentionWaitsForSomebodyToConfirmIt) {
  AddGood(5);
  view_.failing_policies = {"policies/nightly"};
  EXPECT_THAT(Apply().backups, IsEmpty());
  EXPECT_THAT(NamesOf(Apply({"users/alice", /*confirmed=*/true})), ElementsAre(NameOf(1), NameOf(2)));
}

TEST_F(DeletionTest, AClockThatJumpedFreezes) {
  AddGood(5);
  RetentionOrder order{"controller"};
  order.clock_jumped = true;
  EXPECT_THAT(Apply(order).backups, IsEmpty());
}

TEST_F(DeletionTest, APolicyThatIsFrozenHoldsUpNoOther) {
  AddGood(5);
  v1::Policy weekly = view_.policies["policies/nightly"];
  weekly.set_name("policies/weekly");
  view_.policies[weekly.name()] = weekly;
  for (int i = 0; i < 4; ++i) Add().set_policy(weekly.name());
  view_.failing_policies = {"policies/nightly"};
  EXPECT_THAT(NamesOf(Apply()), ElementsAre(NameOf(6)));
}

TEST_F(DeletionTest, ConfirmingDeletesNothingThatIsProtected) {
  AddGood(5);
  view_.backups[0].mutable_hold()->set_reason("audit");
  v1::Run drill;
  drill.set_kind(v1::DRILL);
  drill.set_backup(NameOf(2));
  view_.open_runs.push_back(drill);
  view_.failing_policies = {"policies/nightly"};
  EXPECT_THAT(Apply({"users/alice", /*confirmed=*/true}).backups, IsEmpty());
}

TEST_F(DeletionTest, ConfirmingMakesNoAgentAbleToDelete) {
  AddGood(5);
  view_.agent->clear_capabilities();
  EXPECT_THAT(Apply({"users/alice", /*confirmed=*/true}).backups, IsEmpty());
}

TEST_F(DeletionTest, ADeletionWhoseRunIsOverIsRepeatedWhenAsked) {
  AddGood(4);
  view_.backups[0].set_state(v1::DELETING);
  view_.backups[0].set_delete_run("runs/failed");
  view_.backups[0].set_delete_reason("retention: keepLast");
  RetentionOrder order{"controller"};
  EXPECT_THAT(Apply(order).backups, IsEmpty());
  order.repeat_failed = true;
  const DatabaseBackupsChange change = Apply(order);
  EXPECT_THAT(NamesOf(change), ElementsAre(NameOf(1)));
  EXPECT_EQ(change.backups[0].delete_reason(), "retention: keepLast");
  v1::Run open;
  open.set_name("runs/failed");
  open.set_kind(v1::DELETE);
  open.set_state(v1::RUNNING);
  open.set_backup(NameOf(1));
  view_.open_runs.push_back(open);
  EXPECT_THAT(Apply(order).backups, IsEmpty()) << "it still works";
}

TEST_F(DeletionTest, OneIsDeletedByHandWithItsReason) {
  AddGood(3);
  const absl::StatusOr<DatabaseBackupsChange> change = Delete(2, "holds a secret\n");
  ASSERT_THAT(change, IsOk());
  EXPECT_THAT(NamesOf(*change), ElementsAre(NameOf(2)));
  EXPECT_THAT(change->backups[0].delete_reason(), HasSubstr("deleted by users/alice: holds a secret"));
  EXPECT_EQ(change->events.at(0).actor(), "users/alice");
}

TEST_F(DeletionTest, TheNewestGoodTheNewestProvenHeldAndUsedOnesAreProtected) {
  AddGood(5);
  view_.backups[0].mutable_hold()->set_reason("audit");
  view_.backups[1].set_verification_level(v1::RESTORED);
  v1::Run verify;
  verify.set_name("runs/v");
  verify.set_kind(v1::VERIFY);
  verify.set_backup(NameOf(3));
  view_.open_runs.push_back(verify);
  EXPECT_THAT(Delete(1), HasReason("BACKUP_PROTECTED"));
  EXPECT_THAT(Delete(2), HasReason("BACKUP_PROTECTED"));
  EXPECT_THAT(Delete(3), HasReason("BACKUP_PROTECTED"));
  EXPECT_THAT(Delete(4), IsOk());
  EXPECT_THAT(Delete(5), HasReason("BACKUP_PROTECTED"));
  EXPECT_THAT(Delete(6), HasReason("BACKUP_NOT_FOUND"));
}

TEST_F(DeletionTest, ABadBackupMayGoThoughItIsTheNewest) {
  AddGood(1);
  Add(v1::BAD);
  EXPECT_THAT(Delete(2), IsOk());
}

TEST_F(DeletionTest, AnAgentThatCannotDeleteIsNotAsked) {
  AddGood(3);
  view_.agent->clear_capabilities();
  EXPECT_THAT(Delete(1), HasReason("AGENT_CANNOT_DELETE"));
  view_.agent.reset();
  EXPECT_THAT(Delete(1), HasReason("AGENT_CANNOT_DELETE"));
}

TEST_F(DeletionTest, ARunThatSucceededMakesItDeletedAndKeepsItsHistory) {
  AddGood(3);
  const DatabaseBackupsChange begun = *Delete(1, "old");
  const absl::StatusOr<RunChange> change = Complete(WorkingOn(begun.backups[0], begun.create_runs[0]), v1::SUCCEEDED);
  ASSERT_THAT(change, IsOk());
  EXPECT_EQ(change->run.state(), v1::SUCCEEDED);
  ASSERT_THAT(change->backups, SizeIs(1));
  EXPECT_EQ(change->backups[0].state(), v1::DELETED);
  EXPECT_EQ(ToAbsl(change->backups[0].delete_time()), now_);
  EXPECT_EQ(change->backups[0].delete_reason(), "deleted by users/alice: old");
  EXPECT_EQ(change->events.back().type(), "BACKUP_DELETED");
}

TEST_F(DeletionTest, ARunThatFailedLeavesItDeleting) {
  AddGood(3);
  const DatabaseBackupsChange begun = *Delete(1);
  const absl::StatusOr<RunChange> change = Complete(WorkingOn(begun.backups[0], begun.create_runs[0]), v1::FAILED);
  ASSERT_THAT(change, IsOk());
  EXPECT_EQ(change->run.state(), v1::FAILED);
  EXPECT_THAT(change->backups, IsEmpty());
}

TEST_F(DeletionTest, ARunOfAnotherDatabaseDeletesNothing) {
  AddGood(3);
  DatabaseBackupsChange begun = *Delete(1);
  begun.create_runs[0].set_database("agents/db2/databases/orders");
  const absl::StatusOr<RunChange> change = Complete(WorkingOn(begun.backups[0], begun.create_runs[0]), v1::SUCCEEDED);
  ASSERT_THAT(change, IsOk());
  EXPECT_THAT(change->backups, IsEmpty());
}

TEST_F(DeletionTest, NothingToldLateBringsItBack) {
  AddGood(3);
  v1::Backup deleting = Delete(1)->backups[0];
  v1::Run verify;
  verify.set_name("runs/v");
  verify.set_kind(v1::VERIFY);
  verify.set_database(view_.database.name());
  verify.set_backup(deleting.name());
  verify.set_epoch(1);
  for (const v1::RunState state : {v1::SUCCEEDED, v1::FAILED}) {
    for (const v1::BackupState is : {v1::DELETING, v1::DELETED}) {
      deleting.set_state(is);
      const absl::StatusOr<RunChange> change = Complete(WorkingOn(deleting, verify), state);
      ASSERT_THAT(change, IsOk());
      EXPECT_THAT(change->backups, IsEmpty());
    }
  }
}

TEST_F(DeletionTest, ADeletionThatWasBegunIsNotCancelled) {
  AddGood(3);
  RunView view;
  view.run = Delete(1)->create_runs[0];
  EXPECT_THAT(CancelRun(view, "users/alice", "", now_), HasReason("DELETION_BEGUN"));
}

TEST_F(DeletionTest, SaysOfADeletedBackupThatItIs) {
  v1::Backup backup = Add();
  EXPECT_THAT(CheckNotDeleted(backup), IsOk());
  backup.set_state(v1::DELETING);
  EXPECT_THAT(CheckNotDeleted(backup), HasReason("BACKUP_DELETED"));
  backup.set_state(v1::DELETED);
  EXPECT_THAT(CheckNotDeleted(backup), HasReason("BACKUP_DELETED"));
}

}  // namespace
}  // namespace backup::server
