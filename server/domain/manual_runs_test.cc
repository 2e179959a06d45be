// SPDX-License-Identifier: Apache-2.0
// Runs asked for by hand.
#include <gtest/gtest.h>

#include "server/domain/planning.h"
#include "server/domain/test_data.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::At;
using ::backup::testing::EqualsProto;
using ::backup::testing::FakeRandom;
using ::backup::testing::NightlyPolicy;

class ManualRunsTest : public ::testing::Test {
 protected:
  const absl::Time now_ = At("2026-11-23T12:00:00Z");
  FakeRandom random_;
};

TEST_F(ManualRunsTest, AManualBackupIsDueAtOnceAndTakesThePolicysSpec) {
  v1::Policy policy = NightlyPolicy();
  policy.mutable_spec()->mutable_dump()->set_jobs(4);
  *policy.mutable_spec()->mutable_schedule()->mutable_start_deadline() = ToProto(absl::Hours(1));
  const v1::Run run = ManualBackupRun(policy, "agents/db1/databases/orders", now_, random_);
  EXPECT_EQ(run.state(), v1::PENDING);
  EXPECT_TRUE(run.manual());
  EXPECT_EQ(run.epoch(), 1);
  EXPECT_EQ(run.policy(), "policies/nightly");
  EXPECT_EQ(run.spec().dump().jobs(), 4);
  EXPECT_EQ(ToAbsl(run.not_before_time()), now_);
  EXPECT_EQ(ToAbsl(run.start_deadline_time()), now_ + absl::Hours(1));
}

TEST_F(ManualRunsTest, AManualBackupWithoutPolicyTakesDefaults) {
  const v1::Run run = ManualBackupRun(v1::Policy(), "agents/db1/databases/orders", now_, random_);
  EXPECT_EQ(run.policy(), "");
  EXPECT_EQ(run.spec().dump().jobs(), 1);
  EXPECT_EQ(run.spec().dump().compression(), v1::GZIP);
  EXPECT_TRUE(run.spec().dump().globals());
  EXPECT_EQ(ToAbsl(run.start_deadline_time()), now_ + absl::Hours(6));
}

TEST_F(ManualRunsTest, AManualVerifyNamesTheBackupAndItsHash) {
  v1::Backup backup;
  backup.set_name("backups/20261123T220000Z-r1");
  backup.set_database("agents/db1/databases/orders");
  backup.set_manifest_sha256("abc");
  const v1::Run run = ManualVerifyRun(backup, now_, random_);
  EXPECT_EQ(run.kind(), v1::VERIFY);
  EXPECT_EQ(run.database(), backup.database());
  EXPECT_EQ(run.backup(), backup.name());
  EXPECT_EQ(run.spec().backup_id(), "20261123T220000Z-r1");
  EXPECT_EQ(run.spec().manifest_sha256(), "abc");
}

TEST_F(ManualRunsTest, AManualDrillNamesTheBackupAndItsHash) {
  v1::Backup backup;
  backup.set_name("backups/20261123T220000Z-7k3m9q2x4d");
  backup.set_database("agents/db1/databases/orders");
  backup.set_policy("policies/nightly");
  backup.set_manifest_sha256("abc");
  v1::DrillRunSpec drill;
  drill.set_jobs(2);

  const v1::Run run = ManualDrillRun(backup, drill, now_, random_);

  EXPECT_EQ(run.kind(), v1::DRILL);
  EXPECT_EQ(run.state(), v1::PENDING);
  EXPECT_TRUE(run.manual());
  EXPECT_EQ(run.backup(), backup.name());
  EXPECT_EQ(run.database(), backup.database());
  EXPECT_THAT(run.spec(), EqualsProto(R"pb(
                backup_id: "20261123T220000Z-7k3m9q2x4d"
                manifest_sha256: "abc"
                drill { jobs: 2 }
              )pb"));
}

}  // namespace
}  // namespace backup::server
