// SPDX-License-Identifier: Apache-2.0
#include "agent/run_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "agent/pipeline/job_failure.h"
#include "agent/testing/fake_controller_link.h"
#include "agent/testing/fake_job_runner.h"
#include "base/file.h"
#include "base/proto_json.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace backup::agent {
namespace {

using ::backup::testing::EqualsProto;
using ::backup::testing::FakeClock;
using ::backup::testing::FakeJobRunner;
using ::backup::testing::FakeRandom;
using ::backup::testing::IsOk;
using ::backup::testing::IsOkAndHolds;
using ::backup::testing::MakeDesiredRun;
using ::backup::testing::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// The loop's thread is not started: each test says when it turns.
class RunLoopTest : public ::testing::Test {
 protected:
  RunLoopTest() {
    for (const char* name : {"spool", "attempts", "logs", "refused", "corrupt"}) {
      EXPECT_THAT(MakeDirectories(temp_.File(name)), IsOk());
    }
    loop_.emplace(
        RunLoop::Options{{"db1", "/repository", "/pg", "/scratch", {{"standby", {"postgresql://h2/postgres", ""}}}},
                         databases_,
                         2,
                         1'000'000},
        RunLoop::Parts{jobs_, held_, journal_, spool_, logs_, clock_, random_}, [this] { ++changes_; });
  }

  // The controller wants these, and the loop takes a turn.
  void Want(const std::vector<v1::DesiredRun>& runs) {
    v1::SyncResponse desired;
    for (const v1::DesiredRun& run : runs) {
      *desired.add_runs() = run;
    }
    loop_->ApplyDesired({}, desired);
    loop_->Tick();
  }
  v1::DesiredRun RunIn(const std::string& id, const std::string& database, absl::Duration from_now) const {
    return MakeDesiredRun(id, database, clock_.Now() + from_now);
  }
  v1::DesiredRun DueRun(const std::string& id, const std::string& database) const {
    return RunIn(id, database, absl::ZeroDuration());
  }
  // Lets the jobs end and their threads too.
  void FinishJobs() {
    jobs_.SetHeld(false);
    while (!loop_->ActiveRuns().empty()) {
      std::this_thread::yield();
    }
    loop_->Tick();
  }
  v1::RunResult ResultOf(const std::string& run, int64_t epoch = 1) {
    const absl::StatusOr<v1::CompleteRunRequest> result = spool_.Get({run, epoch});
    EXPECT_THAT(result, IsOk());
    return result.ok() ? result->result() : v1::RunResult();
  }

  TempDir temp_;
  FakeClock clock_;
  FakeRandom random_;
  FakeJobRunner jobs_;
  const std::vector<DatabaseConfig> databases_ = {{"orders", "orders", {"postgresql://h/orders", ""}, {}},
                                                  {"shop", "shop", {"postgresql://h/shop", ""}, {}},
                                                  {"wiki", "wiki", {"postgresql://h/wiki", ""}, {}}};
  HeldRunSet held_{temp_.File("desired.json"), temp_.File("corrupt")};
  AttemptJournal journal_{temp_.File("attempts"), temp_.File("corrupt")};
  Spool spool_{temp_.File("spool"), temp_.File("refused"), temp_.File("corrupt")};
  RunLogs logs_{temp_.File("logs"), temp_.File("corrupt")};
  std::atomic<int> changes_ = 0;
  std::optional<RunLoop> loop_;
};

TEST_F(RunLoopTest, StartsADueRunAndSpoolsItsResult) {
  v1::DesiredRun run = DueRun("a", "orders");
  run.mutable_spec()->mutable_dump()->set_jobs(3);
  Want({run});
  FinishJobs();

  ASSERT_THAT(jobs_.backups(), SizeIs(1));
  const BackupRequest request = jobs_.backups()[0];
  EXPECT_EQ(request.target.url, "postgresql://h/orders");
  EXPECT_EQ(request.repository, "/repository");
  EXPECT_EQ(request.agent, "db1");
  EXPECT_EQ(request.database, "orders");
  EXPECT_EQ(request.run, "runs/a");
  EXPECT_EQ(request.epoch, 1);
  EXPECT_EQ(request.policy, "policies/nightly");
  EXPECT_EQ(request.slot_time, clock_.Now());
  EXPECT_EQ(request.dump.jobs(), 3);
  EXPECT_EQ(request.pg_bindir, "/pg");
  EXPECT_THAT(request.backup_id, HasSubstr("20261123T120000Z-a"));
  const v1::RunResult result = ResultOf("runs/a");
  EXPECT_EQ(result.state(), v1::SUCCEEDED);
  EXPECT_EQ(result.manifest().attempt_id(), request.attempt_id);
  EXPECT_EQ(result.progress().plain_bytes(), 4096);
  EXPECT_THAT(journal_.Load(), IsOkAndHolds(IsEmpty()));
}

TEST_F(RunLoopTest, JournalsAnAttemptBeforeItsWork) {
  jobs_.SetHeld(true);
  Want({DueRun("a", "orders")});
  ASSERT_TRUE(jobs_.WaitForBackups(1));

  const absl::StatusOr<std::vector<v1::Run>> journal = journal_.Load();
  ASSERT_THAT(journal, IsOkAndHolds(SizeIs(1)));
  EXPECT_EQ((*journal)[0].name(), "runs/a");
  EXPECT_EQ((*journal)[0].attempt_id(), jobs_.backups()[0].attempt_id);
  EXPECT_EQ((*journal)[0].backup(), "backups/" + jobs_.backups()[0].backup_id);
  FinishJobs();
}

TEST_F(RunLoopTest, WaitsForTheTimeOfARunAndNotLonger) {
  Want({RunIn("a", "orders", absl::Milliseconds(300))});

  EXPECT_THAT(jobs_.backups(), IsEmpty());
  EXPECT_EQ(loop_->Tick(), absl::Milliseconds(300));

  clock_.Advance(absl::Milliseconds(300));
  loop_->Tick();
  EXPECT_TRUE(jobs_.WaitForBackups(1));
  FinishJobs();
}

TEST_F(RunLoopTest, LooksAtTheClockOftenEnoughToSeeItStep) {
  Want({RunIn("a", "orders", absl::Hours(10))});
  EXPECT_LE(loop_->Tick(), absl::Seconds(1));

  clock_.SetWallTime(clock_.Now() + absl::Hours(10));
  loop_->Tick();

  EXPECT_TRUE(jobs_.WaitForBackups(1));
  FinishJobs();
}

TEST_F(RunLoopTest, DoesNotStartARunAgainWhenTheClockStepsBack) {
  const v1::DesiredRun run = DueRun("a", "orders");
  Want({run});
  FinishJobs();

  clock_.SetWallTime(clock_.Now() - absl::Hours(1));
  Want({run});
  clock_.Advance(absl::Hours(2));
  Want({run});

  EXPECT_THAT(jobs_.backups(), SizeIs(1));
}

TEST_F(RunLoopTest, KeepsToItsSlotsAndToOneRunForADatabase) {
  jobs_.SetHeld(true);
  v1::DesiredRun second_of_orders = DueRun("b", "orders");
  second_of_orders.set_policy("policies/weekly");
  Want({DueRun("a", "orders"), second_of_orders, DueRun("c", "shop"), DueRun("d", "wiki")});
  ASSERT_TRUE(jobs_.WaitForBackups(2));
  loop_->Tick();
  EXPECT_THAT(loop_->ActiveRuns(), SizeIs(2));

  jobs_.SetHeld(false);
  while (jobs_.backups().size() < 4) {
    loop_->Tick();
    std::this_thread::yield();
  }
  FinishJobs();

  EXPECT_EQ(jobs_.max_at_once(), 2);
  EXPECT_EQ(jobs_.max_at_once_on_one_database(), 1);
  EXPECT_THAT(spool_.Keys(), SizeIs(4));
}

TEST_F(RunLoopTest, ReportsWhatItDidNotStart) {
  jobs_.SetHeld(true);
  Want({DueRun("a", "orders")});
  ASSERT_TRUE(jobs_.WaitForBackups(1));

  Want({DueRun("b", "orders"), RunIn("c", "shop", -absl::Hours(7))});

  EXPECT_EQ(ResultOf("runs/b").state(), v1::SKIPPED);
  EXPECT_THAT(ResultOf("runs/b").state_reason(), HasSubstr("runs/a"));
  EXPECT_EQ(ResultOf("runs/c").state(), v1::MISSED);
  FinishJobs();
}

TEST_F(RunLoopTest, FailsARunOfADatabaseThatIsNotItsOwn) {
  Want({DueRun("a", "payroll")});

  EXPECT_THAT(jobs_.backups(), IsEmpty());
  EXPECT_EQ(ResultOf("runs/a").state(), v1::FAILED);
  EXPECT_EQ(ResultOf("runs/a").failure().cause(), v1::WRONG_DATABASE);
}

TEST_F(RunLoopTest, ReportsTheCauseOfAFailure) {
  jobs_.SetBackupError(JobError(v1::DISK_FULL, "no space left", "free some", {"last line"}));
  Want({DueRun("a", "orders")});
  FinishJobs();

  EXPECT_EQ(ResultOf("runs/a").state(), v1::FAILED);
  EXPECT_EQ(ResultOf("runs/a").failure().cause(), v1::DISK_FULL);
  EXPECT_EQ(ResultOf("runs/a").failure().hint(), "free some");
}

TEST_F(RunLoopTest, VerifiesABackupInItsOwnRepository) {
  v1::DesiredRun run = DueRun("a", "orders");
  run.set_kind(v1::VERIFY);
  run.mutable_spec()->set_backup_id("20261123T220000Z-7k3m9q2x4d");
  run.mutable_spec()->set_manifest_sha256("abc");
  const std::string path = "/repository/db1/orders/20261123T220000Z-7k3m9q2x4d";
  jobs_.SetVerified(path, VerifyOutcome{{}, "abc", clock_.Now(), absl::Seconds(2)});
  Want({run});
  FinishJobs();

  ASSERT_THAT(jobs_.verifies(), SizeIs(1));
  EXPECT_EQ(jobs_.verifies()[0].artifact_directory, path);
  EXPECT_EQ(jobs_.verifies()[0].manifest_sha256, "abc");
  EXPECT_EQ(ResultOf("runs/a").state(), v1::SUCCEEDED);
  EXPECT_EQ(ToAbsl(ResultOf("runs/a").verify_duration()), absl::Seconds(2));
}

TEST_F(RunLoopTest, DrillsABackupOfItsOwnRepositoryWhereItsOwnFileSays) {
  v1::DesiredRun run = DueRun("a", "orders");
  run.set_kind(v1::DRILL);
  run.mutable_spec()->set_backup_id("20261123T220000Z-7k3m9q2x4d");
  run.mutable_spec()->set_manifest_sha256("abc");
  run.mutable_spec()->mutable_drill()->add_assertions("SELECT true");
  DrillOutcome outcome;
  outcome.manifest.add_tables()->set_row_count(40);
  outcome.manifest.add_tables()->set_row_count(2);
  outcome.restore_duration = absl::Seconds(5);
  outcome.total_duration = absl::Seconds(9);
  outcome.assertion_count = 1;
  jobs_.SetDrilled(outcome);
  Want({run});
  FinishJobs();

  ASSERT_THAT(jobs_.drills(), SizeIs(1));
  EXPECT_EQ(jobs_.drills()[0].artifact_directory, "/repository/db1/orders/20261123T220000Z-7k3m9q2x4d");
  EXPECT_EQ(jobs_.drills()[0].manifest_sha256, "abc");
  EXPECT_EQ(jobs_.drills()[0].work_directory, "/scratch");
  EXPECT_EQ(jobs_.drills()[0].jobs, 2);
  EXPECT_THAT(jobs_.drills()[0].assertions, ElementsAre("SELECT true"));
  const v1::RunResult result = ResultOf("runs/a");
  EXPECT_EQ(result.state(), v1::SUCCEEDED);
  EXPECT_THAT(result.restore_facts(), EqualsProto(R"pb(
                table_count: 2
                row_count: 42
                assertion_count: 1
                restore_duration { seconds: 5 }
                total_duration { seconds: 9 }
                contents_compared: true
              )pb"));
}

TEST_F(RunLoopTest, RestoresToAServerOfItsOwnFile) {
  v1::DesiredRun run = DueRun("a", "orders");
  run.set_kind(v1::RESTORE);
  run.mutable_spec()->set_backup_id("20261123T220000Z-7k3m9q2x4d");
  run.mutable_spec()->set_manifest_sha256("abc");
  v1::RestoreRunSpec& restore = *run.mutable_spec()->mutable_restore();
  restore.set_target("standby");
  restore.set_database("orders_restored");
  restore.add_tables("public.orders");
  restore.set_jobs(3);
  restore.set_prove(true);
  RestoreOutcome outcome;
  outcome.contents_compared = true;
  outcome.table_count = 1;
  outcome.row_count = 42;
  outcome.plain_bytes = 4200;
  outcome.load_duration = absl::Seconds(5);
  outcome.left_out = {"ALTER TABLE ONLY orders\n ADD"};
  jobs_.SetRestored(outcome);
  Want({run});
  FinishJobs();

  ASSERT_THAT(jobs_.restores(), SizeIs(1));
  const RestoreRequest request = jobs_.restores()[0];
  EXPECT_EQ(request.artifact_directory, "/repository/db1/orders/20261123T220000Z-7k3m9q2x4d");
  EXPECT_EQ(request.manifest_sha256, "abc");
  EXPECT_EQ(request.server.url, "postgresql://h2/postgres");
  EXPECT_EQ(request.create_database, "orders_restored");
  EXPECT_THAT(request.tables, ElementsAre("public.orders"));
  EXPECT_EQ(request.jobs, 3);
  EXPECT_TRUE(request.prove);
  const v1::RestoreFacts facts = ResultOf("runs/a").restore_facts();
  EXPECT_EQ(ResultOf("runs/a").state(), v1::SUCCEEDED);
  EXPECT_EQ(facts.row_count(), 42);
  EXPECT_EQ(facts.plain_bytes(), 4200);
  EXPECT_EQ(ToAbsl(facts.restore_duration()), absl::Seconds(5));
  EXPECT_TRUE(facts.contents_compared());
  EXPECT_THAT(facts.left_out(), ElementsAre("ALTER TABLE ONLY orders\\n ADD"));
}

TEST_F(RunLoopTest, PlansARestoreWithoutDoingIt) {
  v1::DesiredRun run = DueRun("a", "orders");
  run.set_kind(v1::RESTORE);
  run.mutable_spec()->set_backup_id("20261123T220000Z-7k3m9q2x4d");
  run.mutable_spec()->mutable_restore()->set_target("standby");
  run.mutable_spec()->mutable_restore()->set_database("orders_restored");
  run.mutable_spec()->mutable_restore()->set_plan_only(true);
  RestorePlan plan;
  plan.plain_bytes = 4200;
  plan.obstacles = {"no room", "no role"};
  jobs_.SetPlanned(plan);
  Want({run});
  FinishJobs();

  EXPECT_THAT(jobs_.restores(), IsEmpty());
  ASSERT_THAT(jobs_.restore_plans(), SizeIs(1));
  EXPECT_EQ(ResultOf("runs/a").state(), v1::SUCCEEDED);
  EXPECT_EQ(ResultOf("runs/a").restore_facts().plain_bytes(), 4200);
  EXPECT_THAT(ResultOf("runs/a").restore_facts().obstacles(), ElementsAre("no room", "no role"));
}

TEST_F(RunLoopTest, SaysWhichAssertionOfADrillDoesNotHold) {
  v1::DesiredRun run = DueRun("a", "orders");
  run.set_kind(v1::DRILL);
  run.mutable_spec()->set_backup_id("20261123T220000Z-7k3m9q2x4d");
  jobs_.SetDrilled(JobError(v1::ASSERTION_FAILED, "assertion \"x\" does not hold"));
  Want({run});
  FinishJobs();

  EXPECT_EQ(ResultOf("runs/a").state(), v1::FAILED);
  EXPECT_EQ(ResultOf("runs/a").failure().cause(), v1::ASSERTION_FAILED);
}

TEST_F(RunLoopTest, CancelsAWorkingRunOnRequest) {
  jobs_.SetHeld(true);
  Want({DueRun("a", "orders")});
  ASSERT_TRUE(jobs_.WaitForBackups(1));
  v1::SyncResponse desired;
  desired.add_cancel_runs("runs/a");

  loop_->ApplyDesired({}, desired);
  ASSERT_TRUE(jobs_.WaitUntilIdle());
  FinishJobs();

  EXPECT_EQ(ResultOf("runs/a").state(), v1::CANCELLED);
  EXPECT_EQ(ResultOf("runs/a").state_reason(), "it was cancelled on request");
}

TEST_F(RunLoopTest, AnswersTheCancelOfARunThatItHolds) {
  v1::SyncResponse desired;
  *desired.add_runs() = RunIn("a", "orders", absl::Hours(1));
  desired.add_cancel_runs("runs/a");
  loop_->ApplyDesired({}, desired);
  clock_.Advance(absl::Hours(2));
  loop_->Tick();

  EXPECT_EQ(ResultOf("runs/a").state(), v1::CANCELLED);
  EXPECT_THAT(jobs_.backups(), IsEmpty());
}

TEST_F(RunLoopTest, ACancelOfAStaleAttemptLeavesTheNewEpochAlone) {
  v1::SyncRequest asked;
  asked.add_attempts()->mutable_attempt()->set_run("runs/a");  // Worked when we asked; ended since.
  v1::SyncResponse desired;
  *desired.add_runs() = DueRun("a", "orders");
  desired.mutable_runs(0)->set_epoch(2);
  desired.add_cancel_runs("runs/a");

  loop_->ApplyDesired(asked, desired);
  loop_->Tick();
  FinishJobs();

  ASSERT_THAT(jobs_.backups(), SizeIs(1));
  EXPECT_EQ(ResultOf("runs/a", 2).state(), v1::SUCCEEDED);
}

TEST_F(RunLoopTest, StartsARunAgainUnderItsNextEpochWhenTheControllerWantsAnotherAttempt) {
  const v1::DesiredRun first = DueRun("a", "orders");
  Want({first});
  FinishJobs();
  v1::DesiredRun second = RunIn("a", "orders", absl::Minutes(2));
  second.set_epoch(2);

  Want({first, second});  // An answer that the controller wrote before it knew, and the new one.
  Want({second});
  EXPECT_THAT(jobs_.backups(), SizeIs(1)) << "not before its time";
  clock_.Advance(absl::Minutes(2));
  loop_->Tick();
  FinishJobs();

  EXPECT_THAT(jobs_.backups(), SizeIs(2));
  EXPECT_THAT(spool_.Get({"runs/a", 1}), IsOk());
  EXPECT_THAT(spool_.Get({"runs/a", 2}), IsOk());
}

TEST_F(RunLoopTest, DropsARunThatTheControllerDoesNotWantAnyMoreButNotOneThatWorks) {
  jobs_.SetHeld(true);
  Want({DueRun("a", "orders"), RunIn("b", "shop", absl::Hours(1))});
  ASSERT_TRUE(jobs_.WaitForBackups(1));

  Want({});
  clock_.Advance(absl::Hours(2));
  loop_->Tick();
  FinishJobs();

  EXPECT_THAT(spool_.Keys(), ElementsAre(AttemptKey("runs/a", 1)));
  EXPECT_EQ(ResultOf("runs/a").state(), v1::SUCCEEDED);
}

TEST_F(RunLoopTest, StopCancelsWhatWorksAndStartsNothingMore) {
  jobs_.SetHeld(true);
  Want({DueRun("a", "orders")});
  ASSERT_TRUE(jobs_.WaitForBackups(1));

  EXPECT_TRUE(loop_->Stop("the agent was stopped", absl::Seconds(60)));
  Want({DueRun("b", "shop")});

  EXPECT_EQ(ResultOf("runs/a").state(), v1::CANCELLED);
  EXPECT_EQ(ResultOf("runs/a").state_reason(), "the agent was stopped");
  EXPECT_THAT(jobs_.backups(), SizeIs(1));
}

TEST_F(RunLoopTest, StopDoesNotWaitForEverForWorkThatDoesNotEnd) {
  jobs_.SetHeld(true);
  jobs_.SetDeaf(true);
  Want({DueRun("a", "orders")});
  ASSERT_TRUE(jobs_.WaitForBackups(1));

  EXPECT_FALSE(loop_->Stop("the agent was stopped", absl::Milliseconds(1)));

  EXPECT_THAT(journal_.Load(), IsOkAndHolds(SizeIs(1))) << "for the next start";
  jobs_.SetDeaf(false);
  EXPECT_TRUE(loop_->Stop("the agent was stopped", absl::Seconds(60)));
}

TEST_F(RunLoopTest, DoesNotStartWhatItCannotJournal) {
  std::filesystem::remove(temp_.File("attempts"));

  Want({DueRun("a", "orders")});

  EXPECT_THAT(jobs_.backups(), IsEmpty());
  EXPECT_EQ(ResultOf("runs/a").state(), v1::FAILED);
}

TEST_F(RunLoopTest, KeepsTheJournalWhileTheResultIsOnlyInMemory) {
  jobs_.SetHeld(true);
  Want({DueRun("a", "orders")});
  ASSERT_TRUE(jobs_.WaitForBackups(1));
  std::filesystem::rename(temp_.File("spool"), temp_.File("gone"));

  FinishJobs();

  EXPECT_EQ(ResultOf("runs/a").state(), v1::SUCCEEDED);
  EXPECT_THAT(journal_.Load(), IsOkAndHolds(SizeIs(1)));
}

TEST_F(RunLoopTest, RunsByItselfOnceStarted) {
  loop_->Start();
  v1::SyncResponse desired;
  *desired.add_runs() = DueRun("a", "orders");

  loop_->ApplyDesired({}, desired);

  EXPECT_TRUE(jobs_.WaitForBackups(1));
  EXPECT_TRUE(loop_->Stop("done", absl::Seconds(60)));
  EXPECT_GE(changes_, 2) << "told that it began, and that it ended";
}

}  // namespace
}  // namespace backup::agent
