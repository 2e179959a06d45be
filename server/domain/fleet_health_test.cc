// SPDX-License-Identifier: Apache-2.0
#include "server/domain/fleet_health.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/domain/agent_state.h"
#include "server/domain/test_data.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::AgentSeenAt;
using ::backup::testing::At;
using ::backup::testing::DatabaseOf;
using ::backup::testing::NightlyPolicy;
using ::backup::testing::NightlyRun;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(JudgeAgentTest, CountsTwoSyncPeriods) {
  const absl::Time now = At("2026-11-23T22:00:00Z");
  EXPECT_EQ(JudgeAgent(v1::Agent(), now), v1::ENROLLED);
  EXPECT_EQ(JudgeAgent(AgentSeenAt("db1", now - absl::Seconds(100)), now), v1::ONLINE);
  EXPECT_EQ(JudgeAgent(AgentSeenAt("db1", now - absl::Seconds(101)), now), v1::OFFLINE);
  EXPECT_EQ(JudgeAgent(AgentSeenAt("db1", now + absl::Hours(1)), now), v1::ONLINE);  // The clock was set back.
}

class FleetHealthTest : public ::testing::Test {
 protected:
  FleetHealthTest() {
    policies_ = {NightlyPolicy()};
    *policies_[0].mutable_create_time() = ToProto(At("2026-11-01T00:00:00Z"));
    *status_.mutable_database() = DatabaseOf("db1", "orders");
    SetLastGood("2026-11-22T22:01:00Z");
    *status_.mutable_last_run() = NightlyRun(v1::SUCCEEDED);
    status_.mutable_last_run()->set_backup("backups/20261122T220000Z-r0");
  }

  void SetLastGood(const std::string& snapshot) {
    status_.mutable_last_good()->set_name("backups/20261122T220000Z-r0");
    *status_.mutable_last_good()->mutable_snapshot_time() = ToProto(At(snapshot));
  }

  v1::Health Judge() {
    JudgeDatabase(status_, policies_, AgentSeenAt("db1", seen_.value_or(now_)), now_);
    return status_.health();
  }

  absl::Time now_ = At("2026-11-23T12:00:00Z");
  std::optional<absl::Time> seen_;
  std::vector<v1::Policy> policies_;
  v1::DatabaseStatus status_;
};

TEST_F(FleetHealthTest, ARecentGoodBackupIsOk) {
  EXPECT_EQ(Judge(), v1::OK);
  EXPECT_EQ(status_.reason(), "");
  EXPECT_THAT(status_.database().policies(), ElementsAre("policies/nightly"));
}

TEST_F(FleetHealthTest, ABadBackupWantsALook) {
  status_.set_bad_backup_count(1);
  status_.set_newest_bad_backup("backups/b9");
  EXPECT_EQ(Judge(), v1::WARNING);
  EXPECT_EQ(status_.reason(), "1 backup is BAD: backups/b9");
  status_.set_bad_backup_count(3);
  Judge();
  EXPECT_EQ(status_.reason(), "3 backups are BAD, the newest: backups/b9");
}

TEST_F(FleetHealthTest, ABackupThatCannotBeDeletedWantsALook) {
  status_.set_undeleted_backup_count(2);
  status_.set_failed_delete_run("runs/r9");
  EXPECT_EQ(Judge(), v1::WARNING);
  EXPECT_EQ(status_.reason(), "2 backups could not be deleted: see runs/r9");
}

TEST_F(FleetHealthTest, FrozenRetentionWantsALook) {
  status_.add_retention_frozen("one");
  status_.add_retention_frozen("two");
  EXPECT_EQ(Judge(), v1::WARNING);
  EXPECT_EQ(status_.reason(), "retention is frozen: one; two");
}

TEST_F(FleetHealthTest, AllThatIsWrongWithItsBackupsIsTold) {
  status_.set_bad_backup_count(1);
  status_.set_newest_bad_backup("backups/b9");
  status_.add_retention_frozen("why");
  Judge();
  EXPECT_EQ(status_.reason(), "1 backup is BAD: backups/b9; retention is frozen: why");
}

TEST_F(FleetHealthTest, AWorseFindingIsToldFirst) {
  status_.set_bad_backup_count(1);
  SetLastGood("2026-11-10T22:01:00Z");
  EXPECT_EQ(Judge(), v1::CRITICAL);
}

TEST_F(FleetHealthTest, WithoutAPolicyItIsUncovered) {
  policies_[0].mutable_spec()->mutable_databases(0)->set_agent("other");
  EXPECT_EQ(Judge(), v1::UNCOVERED);
  EXPECT_EQ(status_.database().policies_size(), 0);
}

TEST_F(FleetHealthTest, ANewDatabaseWaitsForItsFirstBackup) {
  status_.clear_last_good();
  status_.clear_last_run();
  EXPECT_EQ(Judge(), v1::WARNING);
  EXPECT_EQ(status_.reason(), "there is no backup yet");
  *status_.mutable_last_run() = NightlyRun(v1::RUNNING);
  EXPECT_EQ(Judge(), v1::WARNING);
}

TEST_F(FleetHealthTest, AFailureWithoutAnyGoodBackupIsCritical) {
  status_.clear_last_good();
  *status_.mutable_last_run() = NightlyRun(v1::FAILED);
  status_.mutable_last_run()->mutable_failure()->set_cause(v1::AUTH);
  status_.mutable_last_run()->mutable_failure()->set_message("password refused");
  EXPECT_EQ(Judge(), v1::CRITICAL);
  EXPECT_EQ(status_.reason(), "there is no good backup; the last run is FAILED (AUTH): password refused");
}

TEST_F(FleetHealthTest, AFailureWithARecentGoodBackupIsAWarning) {
  for (const v1::RunState state : {v1::FAILED, v1::MISSED, v1::LOST, v1::CANCELLED}) {
    status_.mutable_last_run()->set_state(state);
    *status_.mutable_last_run()->mutable_end_time() = ToProto(At("2026-11-23T09:00:00Z"));
    EXPECT_EQ(Judge(), v1::WARNING) << state;
    EXPECT_THAT(status_.reason(), HasSubstr(v1::RunState_Name(state)));
  }
  status_.mutable_last_run()->set_state(v1::SKIPPED);
  EXPECT_EQ(Judge(), v1::OK);
}

TEST_F(FleetHealthTest, ABackupOlderThanTheScheduleAllowsIsCritical) {
  // The slot of the 23rd, 22:00 has 6 h to start and 6 h to work: until the 24th, 10:00.
  now_ = At("2026-11-24T10:00:00Z");
  EXPECT_EQ(Judge(), v1::OK);
  now_ = At("2026-11-24T10:00:01Z");
  EXPECT_EQ(Judge(), v1::CRITICAL);
  EXPECT_THAT(status_.reason(), HasSubstr("the slot of 2026-11-23T22:00:00Z under policies/nightly brought none"));
}

TEST_F(FleetHealthTest, SlotsFromBeforeThePolicyAreNotHeldAgainstIt) {
  SetLastGood("2026-10-01T22:01:00Z");
  *policies_[0].mutable_create_time() = ToProto(At("2026-11-23T11:00:00Z"));
  EXPECT_EQ(Judge(), v1::OK);
}

TEST_F(FleetHealthTest, ABackupThatIsNotGoodIsAWarning) {
  status_.mutable_last_run()->set_backup("backups/20261123T060000Z-r9");
  EXPECT_EQ(Judge(), v1::WARNING);
  EXPECT_EQ(status_.reason(), "the newest backup, backups/20261123T060000Z-r9, is not good");
}

TEST_F(FleetHealthTest, AGoodBackupMadeSinceHealsAFailureOrABadOne) {
  status_.mutable_last_run()->set_state(v1::FAILED);
  *status_.mutable_last_run()->mutable_end_time() = ToProto(At("2026-11-22T22:00:59Z"));
  EXPECT_EQ(Judge(), v1::OK);
  status_.mutable_last_run()->set_state(v1::SUCCEEDED);
  status_.mutable_last_run()->set_backup("backups/20261122T215959Z-r9");
  EXPECT_EQ(Judge(), v1::OK);
}

TEST_F(FleetHealthTest, ASilentAgentIsAWarning) {
  seen_ = now_ - absl::Hours(3);
  EXPECT_EQ(Judge(), v1::WARNING);
  EXPECT_EQ(status_.reason(), "agents/db1 was last heard of 3h ago");
}

TEST_F(FleetHealthTest, ADatabaseOrRepositoryThatCannotBeReachedIsAWarning) {
  status_.mutable_database()->set_problem("connection refused");
  EXPECT_EQ(Judge(), v1::WARNING);
  EXPECT_EQ(status_.reason(), "connection refused");
  status_.mutable_database()->clear_problem();
  v1::Agent agent = AgentSeenAt("db1", now_);
  agent.mutable_repository()->set_problem("the marker file is missing");
  JudgeDatabase(status_, policies_, agent, now_);
  EXPECT_EQ(status_.health(), v1::WARNING);
  EXPECT_EQ(status_.reason(), "the repository: the marker file is missing");
}

TEST_F(FleetHealthTest, APausedPolicyIsAWarningAndItsSlotsDoNotCount) {
  policies_[0].mutable_spec()->mutable_schedule()->set_paused(true);
  now_ = At("2026-12-24T10:00:00Z");
  EXPECT_EQ(Judge(), v1::WARNING);
  EXPECT_EQ(status_.reason(), "policies/nightly is paused");
}

TEST_F(FleetHealthTest, TheStrictestPolicyCounts) {
  v1::Policy hourly = NightlyPolicy();
  hourly.set_name("policies/hourly");
  hourly.mutable_spec()->mutable_schedule()->set_cron("@hourly");
  *hourly.mutable_create_time() = ToProto(At("2026-11-01T00:00:00Z"));
  policies_.push_back(hourly);
  EXPECT_EQ(Judge(), v1::CRITICAL);
  EXPECT_THAT(status_.database().policies(), ElementsAre("policies/nightly", "policies/hourly"));
}

TEST_F(FleetHealthTest, TheWorstComesFirst) {
  v1::FleetStatus fleet;
  *fleet.add_agents() = AgentSeenAt("db1", now_);
  *fleet.add_agents() = AgentSeenAt("db2", now_ - absl::Hours(1));
  v1::DatabaseStatus good = status_;
  v1::DatabaseStatus silent = status_;
  *silent.mutable_database() = DatabaseOf("db2", "orders");
  v1::DatabaseStatus old = status_;
  *old.mutable_database() = DatabaseOf("db1", "old");
  *old.mutable_last_good()->mutable_snapshot_time() = ToProto(At("2026-11-02T22:00:00Z"));
  v1::DatabaseStatus uncovered = status_;
  *uncovered.mutable_database() = DatabaseOf("db1", "uncovered");
  policies_[0].mutable_spec()->mutable_databases(0)->add_exclude("uncovered");
  for (const v1::DatabaseStatus& each : {good, silent, uncovered, old}) {
    *fleet.add_databases() = each;
  }
  JudgeFleet(fleet, policies_, now_);
  std::vector<v1::Health> healths;
  for (const v1::DatabaseStatus& database : fleet.databases()) {
    healths.push_back(database.health());
  }
  EXPECT_THAT(healths, ElementsAre(v1::CRITICAL, v1::UNCOVERED, v1::WARNING, v1::OK));
  EXPECT_EQ(fleet.agents(0).state(), v1::ONLINE);
  EXPECT_EQ(fleet.agents(1).state(), v1::OFFLINE);
}

}  // namespace
}  // namespace backup::server
