// SPDX-License-Identifier: Apache-2.0
#include "server/domain/run_completion.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "server/domain/test_data.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::At;
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::NightlyAttempt;
using ::backup::testing::NightlyRun;
using ::backup::testing::NightlySuccess;

class RunCompletionTest : public ::testing::Test {
 protected:
  RunCompletionTest() {
    view_.run = NightlyRun(v1::RUNNING);
    view_.run.set_attempt_id("a1");
    view_.run.set_delivered(true);
    *view_.run.mutable_start_time() = ToProto(At("2026-11-23T22:00:00Z"));
    *view_.run.mutable_lease_end_time() = ToProto(now_ + absl::Seconds(30));
  }

  RunChange Complete(const v1::RunResult& result) {
    absl::StatusOr<RunChange> change = CompleteRun(view_, NightlyAttempt(), result, now_);
    EXPECT_THAT(change, IsOk());
    return change.ok() ? *change : RunChange();
  }

  // A VERIFY of a backup that is stored.
  void SetVerify(v1::BackupState state) {
    view_.run.set_kind(v1::VERIFY);
    view_.run.set_backup("backups/20261120T220000Z-r0");
    v1::Backup backup;
    backup.set_name("backups/20261120T220000Z-r0");
    backup.set_database("agents/db1/databases/orders");
    backup.set_state(state);
    backup.set_verification_level(v1::CONTENT);
    backup.mutable_manifest()->set_backup_id("20261120T220000Z-r0");
    view_.backup = backup;
  }

  const absl::Time now_ = At("2026-11-23T22:05:30Z");
  RunView view_;
};

TEST_F(RunCompletionTest, ASuccessMakesAGoodBackup) {
  const RunChange change = Complete(NightlySuccess());
  EXPECT_EQ(change.run.state(), v1::SUCCEEDED);
  EXPECT_EQ(change.run.backup(), "backups/20261123T220000Z-r1");
  EXPECT_EQ(ToAbsl(change.run.end_time()), At("2026-11-23T22:05:00Z"));
  EXPECT_FALSE(change.run.has_lease_end_time());
  ASSERT_EQ(change.backups.size(), 1);
  EXPECT_EQ(change.backups[0].state(), v1::GOOD);
  EXPECT_EQ(change.backups[0].name(), change.run.backup());
  ASSERT_EQ(change.events.size(), 2);
  EXPECT_EQ(change.events[0].type(), "RUN_SUCCEEDED");
  EXPECT_EQ(change.events[0].actor(), "agents/db1");
  EXPECT_EQ(change.events[1].type(), "BACKUP_CREATED");
  EXPECT_EQ(change.events[1].subject(), "backups/20261123T220000Z-r1");
}

TEST_F(RunCompletionTest, ASuccessThatTheControllerHadGivenUpIsTaken) {
  view_.run.set_state(v1::LOST);
  view_.run.set_state_reason("silent");
  view_.run.mutable_failure()->set_cause(v1::AGENT_LOST);
  const RunChange change = Complete(NightlySuccess());
  EXPECT_EQ(change.run.state(), v1::SUCCEEDED);
  EXPECT_FALSE(change.run.has_failure());
  EXPECT_EQ(change.run.state_reason(), "");
  EXPECT_EQ(change.backups.size(), 1);
}

TEST_F(RunCompletionTest, ASuccessOfARunThatWasNeverReportedIsTaken) {
  // The controller was away from before the slot until after the end.
  view_.run = NightlyRun(v1::PENDING);
  const RunChange change = Complete(NightlySuccess());
  EXPECT_EQ(change.run.attempt_id(), "a1");
  EXPECT_EQ(ToAbsl(change.run.start_time()), At("2026-11-23T22:00:00Z"));
}

TEST_F(RunCompletionTest, ASuccessWithoutManifestIsRefused) {
  v1::RunResult result = NightlySuccess();
  result.clear_manifest();
  EXPECT_THAT(CompleteRun(view_, NightlyAttempt(), result, now_), HasReason("RESULT_INVALID"));
}

TEST_F(RunCompletionTest, ASuccessAgainstExpectationIsSuspicious) {
  view_.run.mutable_spec()->mutable_verify()->set_min_bytes(1 << 20);
  const RunChange change = Complete(NightlySuccess());
  EXPECT_EQ(change.run.state(), v1::SUCCEEDED);
  EXPECT_EQ(change.backups.at(0).state(), v1::SUSPICIOUS);
  EXPECT_EQ(change.events.at(1).type(), "BACKUP_SUSPICIOUS");
}

TEST_F(RunCompletionTest, AnotherIdentityOfTheDatabaseIsNews) {
  v1::Backup before;
  before.mutable_manifest()->mutable_database()->set_oid(999);
  before.mutable_manifest()->mutable_database()->set_system_identifier("7");
  view_.last_good = before;
  const RunChange change = Complete(NightlySuccess());
  ASSERT_EQ(change.events.size(), 3);
  EXPECT_EQ(change.events[2].type(), "DATABASE_IDENTITY_CHANGED");
  view_.last_good->mutable_manifest()->mutable_database()->set_oid(16384);
  EXPECT_EQ(Complete(NightlySuccess()).events.size(), 2);
}

TEST_F(RunCompletionTest, AFailureKeepsItsCauseCleanedAndBounded) {
  v1::RunResult result;
  result.set_state(v1::FAILED);
  result.mutable_failure()->set_cause(v1::DISK_FULL);
  result.mutable_failure()->set_message("no space\x1b[2J left" + std::string(10000, 'x'));
  for (int i = 0; i < 100; ++i) {
    result.mutable_failure()->add_stderr_lines("line " + std::to_string(i) + "\n" + std::string(1000, 'y'));
  }
  const RunChange change = Complete(result);
  EXPECT_EQ(change.run.state(), v1::FAILED);
  const v1::Failure& failure = change.run.failure();
  EXPECT_EQ(failure.cause(), v1::DISK_FULL);
  EXPECT_EQ(failure.message().rfind("no space\\x1b[2J left", 0), 0);
  EXPECT_LE(failure.message().size(), 4096);
  ASSERT_EQ(failure.stderr_lines_size(), 40);
  EXPECT_EQ(failure.stderr_lines(39).rfind("line 99\\n", 0), 0);
  EXPECT_LE(failure.stderr_lines(0).size(), 500);
  EXPECT_TRUE(change.backups.empty());
  EXPECT_EQ(change.events.at(0).type(), "RUN_FAILED");
}

TEST_F(RunCompletionTest, AFailureWithoutOrWithUnknownCauseIsInternal) {
  v1::RunResult result;
  result.set_state(v1::FAILED);
  EXPECT_EQ(Complete(result).run.failure().cause(), v1::INTERNAL);
  result.mutable_failure()->set_cause(static_cast<v1::FailureCause>(1234));
  EXPECT_EQ(Complete(result).run.failure().cause(), v1::INTERNAL);
}

TEST_F(RunCompletionTest, ACancelledRunSaysWhoCancelledIt) {
  view_.run.set_cancel_requested(true);
  view_.run.set_state_reason("cancelled by users/admin");
  v1::RunResult result;
  result.set_state(v1::CANCELLED);
  result.set_state_reason("it was cancelled on request");
  EXPECT_EQ(Complete(result).run.state_reason(), "cancelled by users/admin");
}

TEST_F(RunCompletionTest, AMissedRunHasNoStartAndKeepsTheAgentsReason) {
  view_.run = NightlyRun(v1::PENDING);
  v1::RunResult result;
  result.set_state(v1::MISSED);
  result.set_state_reason("no free slot\n");
  *result.mutable_start_time() = ToProto(now_);
  const RunChange change = Complete(result);
  EXPECT_EQ(change.run.state(), v1::MISSED);
  EXPECT_EQ(change.run.state_reason(), "no free slot\\n");
  EXPECT_FALSE(change.run.has_start_time());
}

TEST_F(RunCompletionTest, OnlyWorkNeedsAnAttemptId) {
  view_.run = NightlyRun(v1::PENDING);
  v1::AttemptRef attempt = NightlyAttempt();
  attempt.clear_attempt_id();
  v1::RunResult result;
  for (const v1::RunState state : {v1::MISSED, v1::SKIPPED, v1::CANCELLED}) {
    result.set_state(state);
    EXPECT_THAT(CompleteRun(view_, attempt, result, now_), IsOk()) << state;
  }
  for (const v1::RunState state : {v1::SUCCEEDED, v1::FAILED}) {
    result.set_state(state);
    EXPECT_THAT(CompleteRun(view_, attempt, result, now_), HasReason("RESULT_INVALID")) << state;
  }
}

TEST_F(RunCompletionTest, AnEndBeforeTheStartIsPutRight) {
  v1::RunResult result = NightlySuccess();
  *result.mutable_end_time() = ToProto(At("2026-11-23T20:00:00Z"));
  EXPECT_EQ(ToAbsl(Complete(result).run.end_time()), At("2026-11-23T22:00:00Z"));
}

TEST_F(RunCompletionTest, AVerifyRenewsTheBackup) {
  SetVerify(v1::GOOD);
  v1::RunResult result;
  result.set_state(v1::SUCCEEDED);
  *result.mutable_verify_time() = ToProto(now_ - absl::Seconds(10));
  const RunChange change = Complete(result);
  ASSERT_EQ(change.backups.size(), 1);
  EXPECT_EQ(change.backups[0].state(), v1::GOOD);
  EXPECT_EQ(change.backups[0].verification_level(), v1::CONTENT);
  EXPECT_EQ(ToAbsl(change.backups[0].verify_time()), now_ - absl::Seconds(10));
}

TEST_F(RunCompletionTest, AVerifyThatAgreesClearsABadBackupButNoSuspicion) {
  v1::RunResult result;
  result.set_state(v1::SUCCEEDED);
  SetVerify(v1::BAD);
  RunChange change = Complete(result);
  EXPECT_EQ(change.backups.at(0).state(), v1::GOOD);
  EXPECT_EQ(change.backups.at(0).verification_level(), v1::STORED);
  EXPECT_EQ(change.events.at(1).type(), "BACKUP_RECOVERED");
  SetVerify(v1::SUSPICIOUS);
  change = Complete(result);
  EXPECT_EQ(change.backups.at(0).state(), v1::SUSPICIOUS);
}

TEST_F(RunCompletionTest, AVerifyThatFindsDamageMakesTheBackupBad) {
  SetVerify(v1::GOOD);
  v1::RunResult result;
  result.set_state(v1::FAILED);
  result.mutable_failure()->set_cause(v1::CORRUPT);
  result.mutable_failure()->set_message("dump.sql.gz differs at byte 7");
  const RunChange change = Complete(result);
  EXPECT_EQ(change.run.state(), v1::FAILED);
  EXPECT_EQ(change.backups.at(0).state(), v1::BAD);
  EXPECT_EQ(change.backups.at(0).state_reason(), "dump.sql.gz differs at byte 7");
  EXPECT_EQ(change.backups.at(0).verification_level(), v1::VERIFICATION_LEVEL_UNSPECIFIED);
  EXPECT_EQ(change.events.at(1).type(), "BACKUP_BAD");
}

TEST_F(RunCompletionTest, AVerifyThatCouldNotReadSaysNothingOfTheBackup) {
  SetVerify(v1::GOOD);
  v1::RunResult result;
  result.set_state(v1::FAILED);
  result.mutable_failure()->set_cause(v1::REPOSITORY_UNAVAILABLE);
  EXPECT_TRUE(Complete(result).backups.empty());
}

TEST_F(RunCompletionTest, AVerifyTouchesNoBackupOfAnotherDatabase) {
  SetVerify(v1::GOOD);
  view_.backup->set_database("agents/db2/databases/orders");
  v1::RunResult result;
  result.set_state(v1::FAILED);
  result.mutable_failure()->set_cause(v1::CORRUPT);
  EXPECT_TRUE(Complete(result).backups.empty());
}

TEST_F(RunCompletionTest, AVerifyOfABackupThatIsGoneStillEnds) {
  SetVerify(v1::GOOD);
  view_.backup.reset();
  v1::RunResult result;
  result.set_state(v1::SUCCEEDED);
  EXPECT_EQ(Complete(result).run.state(), v1::SUCCEEDED);
}

class DrillCompletionTest : public RunCompletionTest {
 protected:
  // Restored in 90 s.
  static v1::RunResult Success() {
    v1::RunResult result = NightlySuccess();
    result.clear_manifest();
    result.clear_verify_time();
    result.MergeFrom(testing::FromText<v1::RunResult>(R"pb(
      restore_facts {
        table_count: 2
        row_count: 1000
        assertion_count: 1
        restore_duration { seconds: 90 }
        total_duration { seconds: 200 }
        contents_compared: true
      })pb"));
    return result;
  }
  static v1::RunResult Failure(v1::FailureCause cause) {
    v1::RunResult result = Success();
    result.clear_restore_facts();
    result.set_state(v1::FAILED);
    result.mutable_failure()->set_cause(cause);
    result.mutable_failure()->set_message("what differs");
    return result;
  }
  void SetDrill(v1::BackupState state) {
    SetVerify(state);
    view_.run.set_kind(v1::DRILL);
  }
};

TEST_F(DrillCompletionTest, WhatCameBackIsProven) {
  SetDrill(v1::GOOD);

  const RunChange change = Complete(Success());

  EXPECT_EQ(change.run.state(), v1::SUCCEEDED);
  EXPECT_EQ(change.run.restore_facts().row_count(), 1000);
  ASSERT_EQ(change.backups.size(), 1);
  EXPECT_EQ(change.backups[0].verification_level(), v1::RESTORED);
  EXPECT_EQ(ToAbsl(change.backups[0].prove_time()), At("2026-11-23T22:05:00Z"));
  EXPECT_EQ(ToAbsl(change.backups[0].restore_duration()), absl::Seconds(90));
  ASSERT_EQ(change.events.size(), 2);
  EXPECT_EQ(change.events[0].type(), "RUN_SUCCEEDED");
  EXPECT_EQ(change.events[1].type(), "BACKUP_PROVEN");
  EXPECT_EQ(change.events[1].message(), "restored in 1m30s, every table equal");
}

TEST_F(DrillCompletionTest, WhatCameBackTooLateFailsTheRunAndIsProven) {
  SetDrill(v1::GOOD);
  *view_.run.mutable_spec()->mutable_drill()->mutable_max_duration() = ToProto(absl::Seconds(89));

  const RunChange change = Complete(Success());

  EXPECT_EQ(change.run.state(), v1::FAILED);
  EXPECT_EQ(change.run.failure().cause(), v1::TIMEOUT);
  EXPECT_EQ(change.run.failure().message(),
            "everything came back, but the restore took 1m30s; the policy allows 1m29s");
  EXPECT_TRUE(change.run.has_restore_facts());
  EXPECT_EQ(change.events[0].type(), "RUN_FAILED");
  ASSERT_EQ(change.backups.size(), 1);
  EXPECT_EQ(change.backups[0].state(), v1::GOOD);
  EXPECT_EQ(change.backups[0].verification_level(), v1::RESTORED);

  *view_.run.mutable_spec()->mutable_drill()->mutable_max_duration() = ToProto(absl::Seconds(90));
  EXPECT_EQ(Complete(Success()).run.state(), v1::SUCCEEDED);
}

TEST_F(DrillCompletionTest, ASuccessThatProvesNothingIsRefused) {
  SetDrill(v1::GOOD);
  for (const auto& spoil : std::vector<std::function<void(v1::RestoreFacts&)>>{
           [](v1::RestoreFacts& facts) { facts.Clear(); },
           [](v1::RestoreFacts& facts) { facts.set_contents_compared(false); },
           [](v1::RestoreFacts& facts) { facts.clear_restore_duration(); },
           [](v1::RestoreFacts& facts) { facts.clear_total_duration(); },
           [](v1::RestoreFacts& facts) { facts.set_row_count(-1); },
           [](v1::RestoreFacts& facts) { facts.mutable_restore_duration()->set_seconds(-5); },
           [](v1::RestoreFacts& facts) { facts.mutable_total_duration()->set_seconds(INT64_MAX); }}) {
    v1::RunResult result = Success();
    spoil(*result.mutable_restore_facts());
    EXPECT_THAT(CompleteRun(view_, NightlyAttempt(), result, now_), HasReason("RESULT_INVALID"))
        << result.restore_facts().DebugString();
  }
}

TEST_F(DrillCompletionTest, ABackupWithOtherRowsThanItsManifestIsBad) {
  SetDrill(v1::GOOD);

  const RunChange change = Complete(Failure(v1::CORRUPT));

  EXPECT_EQ(change.run.state(), v1::FAILED);
  ASSERT_EQ(change.backups.size(), 1);
  EXPECT_EQ(change.backups[0].state(), v1::BAD);
  EXPECT_EQ(change.backups[0].state_reason(), "what differs");
  EXPECT_EQ(change.events.at(1).type(), "BACKUP_BAD");
}

TEST_F(DrillCompletionTest, AnAssertionThatDoesNotHoldMakesTheBackupSuspicious) {
  SetDrill(v1::GOOD);
  const RunChange change = Complete(Failure(v1::ASSERTION_FAILED));
  ASSERT_EQ(change.backups.size(), 1);
  EXPECT_EQ(change.backups[0].state(), v1::SUSPICIOUS);
  EXPECT_EQ(change.backups[0].state_reason(), "what differs");
  EXPECT_EQ(change.events.at(1).type(), "BACKUP_SUSPICIOUS");

  SetDrill(v1::BAD);
  EXPECT_EQ(Complete(Failure(v1::ASSERTION_FAILED)).backups.at(0).state(), v1::BAD);
}

TEST_F(DrillCompletionTest, AnAssertionThatAPersonTriesOutSaysNothingOfTheBackup) {
  SetDrill(v1::GOOD);
  view_.run.set_manual(true);
  view_.run.mutable_spec()->mutable_drill()->add_assertions("SELECT 1 = 2");
  view_.policy.emplace();
  view_.policy->mutable_spec()->mutable_drill()->add_assertions("SELECT count(*) > 0 FROM orders");
  EXPECT_TRUE(Complete(Failure(v1::ASSERTION_FAILED)).backups.empty());
  view_.policy.reset();
  EXPECT_TRUE(Complete(Failure(v1::ASSERTION_FAILED)).backups.empty());

  view_.policy.emplace();
  *view_.policy->mutable_spec()->mutable_drill()->mutable_assertions() = view_.run.spec().drill().assertions();
  EXPECT_EQ(Complete(Failure(v1::ASSERTION_FAILED)).backups.at(0).state(), v1::SUSPICIOUS);
}

TEST_F(DrillCompletionTest, ADrillThatCouldNotBeTriedSaysNothingOfTheBackup) {
  SetDrill(v1::GOOD);
  for (const v1::FailureCause cause :
       {v1::DRILL_REFUSED, v1::RESTORE_FAILED, v1::AGENT_LOST, v1::DISK_FULL, v1::INTERNAL}) {
    EXPECT_TRUE(Complete(Failure(cause)).backups.empty()) << v1::FailureCause_Name(cause);
  }
}

TEST_F(DrillCompletionTest, ABadBackupThatComesBackIsGoodAgain) {
  SetDrill(v1::BAD);
  const RunChange change = Complete(Success());
  ASSERT_EQ(change.backups.size(), 1);
  EXPECT_EQ(change.backups[0].state(), v1::GOOD);
  EXPECT_EQ(change.backups[0].verification_level(), v1::RESTORED);
}

TEST_F(DrillCompletionTest, ARestoreKeepsWhatCameBackAndProvesNothingOfTheBackup) {
  SetDrill(v1::GOOD);
  view_.run.set_kind(v1::RESTORE);
  const RunChange change = Complete(Success());
  EXPECT_EQ(change.run.state(), v1::SUCCEEDED);
  EXPECT_EQ(change.run.restore_facts().row_count(), 1000);
  EXPECT_TRUE(change.backups.empty());

  v1::RunResult without = Success();
  without.clear_restore_facts();
  EXPECT_THAT(CompleteRun(view_, NightlyAttempt(), without, now_), HasReason("RESULT_INVALID"));
  EXPECT_EQ(Complete(Failure(v1::CORRUPT)).backups.at(0).state(), v1::BAD);
}

}  // namespace
}  // namespace backup::server
