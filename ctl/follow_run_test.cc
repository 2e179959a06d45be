// SPDX-License-Identifier: Apache-2.0
#include "ctl/follow_run.h"

#include <gtest/gtest.h>

#include "base/errors.h"
#include "tests/golden/fake_controller.h"
#include "tests/golden/in_process_cli.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace backup::ctl {
namespace {

using ::backup::testing::FakeController;
using ::backup::testing::FakeFleet;
using ::backup::testing::HasReason;
using ::backup::testing::InProcessCli;
using ::backup::testing::IsOk;
using ::backup::testing::TempDir;
using ::testing::HasSubstr;

constexpr char kOneContext[] =
    "currentContext: a\ncontexts: [{name: a, controller: \"h:1\", ca: c, certificate: d, key: e}]\n";

v1::WatchRunResponse Told(v1::RunState state, v1::RunPhase phase = v1::RUN_PHASE_UNSPECIFIED) {
  v1::WatchRunResponse response;
  v1::Run& run = *response.mutable_run();
  run.set_name("runs/r");
  run.set_kind(v1::BACKUP);
  run.set_database("agents/db1/databases/shop");
  run.set_state(state);
  run.mutable_progress()->set_phase(phase);
  if (state == v1::SUCCEEDED) run.mutable_end_time()->set_seconds(1);
  return response;
}

class FollowRunTest : public ::testing::Test {
 protected:
  void Start(std::vector<v1::WatchRunResponse> script) {
    FakeFleet fleet;
    fleet.watch["runs/r"] = std::move(script);
    controller_ = std::make_unique<FakeController>(fleet);
    cli_ = std::make_unique<InProcessCli>(controller_.get(), dir_.Write("config.yaml", kOneContext));
    session_ = std::make_unique<Session>(cli_->environment());
  }

  TempDir dir_;
  std::unique_ptr<FakeController> controller_;
  std::unique_ptr<InProcessCli> cli_;
  std::unique_ptr<Session> session_;
};

TEST_F(FollowRunTest, ReturnsTheEndedRun) {
  Start({Told(v1::PENDING), Told(v1::RUNNING, v1::DUMPING), Told(v1::SUCCEEDED)});

  const auto run = FollowRun(*session_, "runs/r");

  ASSERT_THAT(run, IsOk());
  EXPECT_EQ(run->state(), v1::SUCCEEDED);
  EXPECT_EQ(cli_->err(), "db1/shop  waiting for the agent\ndb1/shop  dumping\n");
}

TEST_F(FollowRunTest, SaysTheSameOnlyOnceInTenSeconds) {
  Start({Told(v1::RUNNING, v1::DUMPING), Told(v1::RUNNING, v1::DUMPING), Told(v1::RUNNING, v1::DUMPING),
         Told(v1::SUCCEEDED)});

  ASSERT_THAT(FollowRun(*session_, "runs/r"), IsOk());

  EXPECT_EQ(cli_->err(), "db1/shop  dumping\n");
}

TEST_F(FollowRunTest, DrawsInPlaceOnATerminalAndLeavesNothingBehind) {
  Start({Told(v1::RUNNING, v1::DUMPING), Told(v1::SUCCEEDED)});
  cli_->environment().terminal.err = true;

  ASSERT_THAT(FollowRun(*session_, "runs/r"), IsOk());

  EXPECT_EQ(cli_->err(), "\rdb1/shop  dumping\x1b[K\r\x1b[K");
}

TEST_F(FollowRunTest, CtrlCLeavesTheRunAloneAndSaysHowToComeBack) {
  Start({Told(v1::RUNNING, v1::DUMPING)});
  controller_->OnWatchIdle([this] { cli_->interrupt().Cancel("interrupted"); });

  const auto run = FollowRun(*session_, "runs/r");

  EXPECT_THAT(run, HasReason("INTERRUPTED"));
  EXPECT_EQ(ExitCodeOf(run.status()), ExitCode::kInterrupted);
  EXPECT_THAT(ErrorHint(run.status()), HasSubstr("backupctl run watch r; stop it: backupctl run cancel r"));
  EXPECT_TRUE(controller_->create_run_requests().empty());
}

TEST_F(FollowRunTest, GivesUpWhenTheControllerStaysAway) {
  Start({});
  controller_->Fail("WatchRun", CatalogUnavailable("it is down"));

  const auto run = FollowRun(*session_, "runs/r", {.patience = absl::ZeroDuration() - absl::Seconds(1)});

  EXPECT_THAT(run, HasReason("CATALOG_UNAVAILABLE"));
  EXPECT_THAT(std::string(run.status().message()), HasSubstr("gave up watching run r, which may go on"));
}

TEST_F(FollowRunTest, AStreamThatAStoppingControllerCancelsIsAskedForAgain) {
  Start({});
  controller_->Fail("WatchRun", absl::CancelledError("server shutdown"));

  const auto run = FollowRun(*session_, "runs/r", {.patience = absl::ZeroDuration() - absl::Seconds(1)});

  EXPECT_THAT(std::string(run.status().message()), HasSubstr("gave up watching run r, which may go on"));
}

TEST_F(FollowRunTest, TellsOtherErrorsAtOnce) {
  Start({});
  controller_->Fail("WatchRun", NotAllowed("users/x", "watch runs"));

  EXPECT_THAT(FollowRun(*session_, "runs/r"), HasReason("NOT_ALLOWED"));
}

TEST(OutcomeTest, TellsCauseTextHintAndStderr) {
  v1::Run run = Told(v1::FAILED).run();
  run.mutable_failure()->set_cause(v1::PERMISSION);
  run.mutable_failure()->set_message("table public.secrets cannot be read");
  run.mutable_failure()->set_hint("grant SELECT");
  run.mutable_failure()->add_stderr_lines("pg_dump: error: permission denied");

  const absl::Status outcome = OutcomeOf(run);

  EXPECT_THAT(outcome, HasReason("PERMISSION"));
  EXPECT_EQ(ExitCodeOf(outcome), ExitCode::kFailed);
  EXPECT_EQ(outcome.message(),
            "backup of db1/shop failed: table public.secrets cannot be read\npg_dump: error: permission denied");
  EXPECT_EQ(ErrorHint(outcome), "grant SELECT");
}

TEST(OutcomeTest, NoEndButSuccessIsSuccess) {
  for (v1::RunState state : {v1::RUN_STATE_UNSPECIFIED, v1::SCHEDULED, v1::PENDING, v1::RUNNING, v1::FAILED,
                             v1::CANCELLED, v1::LOST, v1::MISSED, v1::SKIPPED}) {
    EXPECT_EQ(ExitCodeOf(OutcomeOf(Told(state).run())), ExitCode::kFailed) << v1::RunState_Name(state);
  }
  EXPECT_EQ(ExitCodeOf(OutcomeOf(Told(v1::SUCCEEDED).run())), ExitCode::kOk);
}

TEST(OutcomeTest, ADamagedBackupHasItsOwnExitCode) {
  v1::Run run = Told(v1::FAILED).run();
  run.mutable_failure()->set_cause(v1::CORRUPT);
  EXPECT_EQ(ExitCodeOf(OutcomeOf(run)), ExitCode::kFailed);
  run.set_kind(v1::VERIFY);
  EXPECT_EQ(ExitCodeOf(OutcomeOf(run)), ExitCode::kBadBackup);
}

}  // namespace
}  // namespace backup::ctl
