// SPDX-License-Identifier: Apache-2.0
// kill -9 of the agent, of the controller, of both, in the middle of a dump: no false success, nothing lost, no pg_dump
// left, and the catalog tells the truth within the lease.

#include "tests/system/fleet_story.h"

namespace backup::testing {
namespace {

class CrashStory : public FleetStory {
 protected:
  void SetUp() override {
    FleetStory::SetUp();
    agent_ = AddAgentWithDatabase("db1", "app");
    ASSERT_NE(agent_, nullptr);
  }
  size_t CountRuns() {
    absl::StatusOr<std::vector<v1::Run>> runs = fleet_->ListRuns();
    return runs.ok() ? runs->size() : 0;
  }

  MiniAgent* agent_ = nullptr;
  const std::string database_ = "agents/db1/databases/app";
};

TEST_F(CrashStory, KilledAgentLeavesNoPgDumpAndItsRunIsLostThenFailed) {
  ASSERT_EQ(Backup(database_).state(), v1::SUCCEEDED);
  DumpGate gate(*server_, "app");
  const v1::Run run = BackupUntilGate(database_, gate);

  agent_->daemon().Kill();

  EXPECT_TRUE(Eventually(absl::Seconds(10), [&] { return !gate.SomebodyWaits(); }));
  EXPECT_TRUE(agent_->DumpProcesses().empty());
  const v1::Run lost = AwaitState(run, v1::LOST);
  EXPECT_EQ(lost.failure().cause(), v1::AGENT_LOST);
  gate.Open();

  ASSERT_THAT(agent_->Start(), IsOk());
  const v1::Run failed = AwaitState(run, v1::FAILED);
  EXPECT_EQ(failed.failure().cause(), v1::AGENT_LOST);
  ExpectTruth(*agent_, 1);
  EXPECT_EQ(Backup(database_).state(), v1::SUCCEEDED);
  ExpectTruth(*agent_, 2);
}

TEST_F(CrashStory, KilledControllerDoesNotDisturbTheDumpAndLearnsOfIt) {
  DumpGate gate(*server_, "app");
  const v1::Run run = BackupUntilGate(database_, gate);

  fleet_->controller().Kill();
  gate.Open();
  ASSERT_TRUE(Eventually(absl::Seconds(30), [&] { return agent_->Artifacts().size() == 1; }));
  ASSERT_THAT(fleet_->RestartController(), IsOk());

  EXPECT_EQ(AwaitState(run, v1::SUCCEEDED).name(), run.name());
  EXPECT_EQ(CountRuns(), 1u);
  ExpectTruth(*agent_, 1);
}

TEST_F(CrashStory, BothKilledEndInOneFailedRunAndTheNextWorks) {
  DumpGate gate(*server_, "app");
  const v1::Run run = BackupUntilGate(database_, gate);

  agent_->daemon().Kill();
  fleet_->controller().Kill();
  EXPECT_TRUE(Eventually(absl::Seconds(10), [&] { return !gate.SomebodyWaits(); }));
  gate.Open();
  ASSERT_THAT(fleet_->RestartController(), IsOk());
  ASSERT_THAT(agent_->Start(), IsOk());

  EXPECT_EQ(AwaitState(run, v1::FAILED).failure().cause(), v1::AGENT_LOST);
  EXPECT_EQ(CountRuns(), 1u);
  EXPECT_EQ(Backup(database_).state(), v1::SUCCEEDED);
  ExpectTruth(*agent_, 1);
}

TEST_F(CrashStory, ResultThatCouldNotBeDeliveredSurvivesTheAgentsDeath) {
  DumpGate gate(*server_, "app");
  const v1::Run run = BackupUntilGate(database_, gate);

  fleet_->controller().Kill();
  gate.Open();
  ASSERT_TRUE(Eventually(absl::Seconds(30), [&] { return agent_->Artifacts().size() == 1; }));
  agent_->daemon().Kill();
  ASSERT_THAT(fleet_->RestartController(), IsOk());
  ASSERT_THAT(agent_->Start(), IsOk());

  EXPECT_EQ(AwaitState(run, v1::SUCCEEDED).name(), run.name());
  ExpectTruth(*agent_, 1);
}

TEST_F(CrashStory, AgentThatHungLongerThanItsLeaseIsLostAndItsLateReportCounts) {
  DumpGate gate(*server_, "app");
  const v1::Run run = BackupUntilGate(database_, gate);

  agent_->daemon().Pause();
  EXPECT_EQ(AwaitState(run, v1::LOST).failure().cause(), v1::AGENT_LOST);
  agent_->daemon().Resume();
  gate.Open();

  EXPECT_EQ(AwaitState(run, v1::SUCCEEDED).name(), run.name());
  EXPECT_EQ(CountRuns(), 1u);
  ExpectTruth(*agent_, 1);
}

TEST_F(CrashStory, StoppedAgentCancelsItsRunAndSaysSo) {
  DumpGate gate(*server_, "app");
  const v1::Run run = BackupUntilGate(database_, gate);

  EXPECT_TRUE(agent_->daemon().Stop().ok());

  EXPECT_TRUE(agent_->DumpProcesses().empty());
  EXPECT_EQ(AwaitState(run, v1::CANCELLED).name(), run.name());
  ExpectTruth(*agent_, 0);
}

}  // namespace
}  // namespace backup::testing
