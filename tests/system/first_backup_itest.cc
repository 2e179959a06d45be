// SPDX-License-Identifier: Apache-2.0
// From a policy file to a backup that psql restores: the product's main road, with the real programs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/file.h"
#include "base/resource_name.h"
#include "tests/system/fleet_story.h"
#include "tests/system/test_data.h"

namespace backup::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr char kNightly[] = R"(
apiVersion: backup/v1
kind: Policy
metadata: {name: nightly}
spec:
  databases: [{agent: "*", database: "*"}]
  schedule: {cron: "0 22 * * *", timeZone: Europe/Berlin}
  retention: {keepWithin: 30d}
)";

constexpr char kEveryMinute[] = R"(
apiVersion: backup/v1
kind: Policy
metadata: {name: often}
spec:
  databases: [{agent: "*", database: "*"}]
  schedule: {every: 1m}
  retention: {keepLast: 3}
)";

class FirstBackupTest : public FleetStory {
 protected:
  // Loads `data`, each under its own name, and starts an agent that has them all.
  void AddAgentWith(const std::vector<TestDatabase>& data) {
    MiniAgentOptions options;
    for (const TestDatabase& one : data) {
      const absl::Status loaded = LoadTestDatabase(*server_, one, one.name);
      ASSERT_TRUE(loaded.ok()) << one.name << ": " << loaded;
      options.databases.push_back({.id = "", .url = server_->Url(one.name), .password = ""});
    }
    ASSERT_NE(AddAgent(options), nullptr);
    for (const TestDatabase& one : data) {
      const auto name = fleet_->AwaitDatabase("db1", one.name);
      ASSERT_TRUE(name.ok()) << name.status();
    }
  }

  std::string WritePolicyFile(absl::string_view text) {
    const std::string file = fleet_->directory() + "/policy.yaml";
    EXPECT_TRUE(WriteFileAtomically(file, text).ok());
    return file;
  }
};

TEST_F(FirstBackupTest, PolicyFileIsAppliedOnceAndThenTheSame) {
  AddAgentWith({{"sample", ""}});
  const std::string file = WritePolicyFile(kNightly);

  EXPECT_EQ(fleet_->Ctl({"validate", "-f", file}).exit_code, 0);
  EXPECT_EQ(fleet_->Ctl({"diff", "-f", file}).exit_code, 1);
  const CommandResult applied = fleet_->Ctl({"apply", "-f", file});

  EXPECT_EQ(applied.exit_code, 0) << applied.err;
  EXPECT_EQ(fleet_->Ctl({"diff", "-f", file}).exit_code, 0);
  EXPECT_EQ(fleet_->Ctl({"apply", "-f", file}).exit_code, 0);
  const auto policy = fleet_->CtlJson({"get", "policy", "nightly"});
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_EQ((*policy)["spec"]["schedule"]["cron"], "0 22 * * *");
}

TEST_F(FirstBackupTest, EveryDatabaseComesBackThroughGunzipAndPsql) {
  const std::vector<TestDatabase> data = TestDatabases();
  AddAgentWith(data);
  ASSERT_EQ(fleet_->Ctl({"apply", "-f", WritePolicyFile(kNightly)}).exit_code, 0);

  for (const TestDatabase& one : data) {
    SCOPED_TRACE(one.name);
    const CommandResult run = fleet_->Ctl({"backup", "run", MakeDatabaseName("db1", one.name), "--wait"});
    ASSERT_EQ(run.exit_code, 0) << run.err;
    v1::BackupFilter filter;
    filter.set_database(MakeDatabaseName("db1", one.name));
    const auto backups = fleet_->ListBackups(filter);
    ASSERT_TRUE(backups.ok()) << backups.status();
    ASSERT_THAT(*backups, SizeIs(1));
    const v1::Backup& backup = backups->front();
    EXPECT_EQ(backup.state(), v1::GOOD);
    EXPECT_GE(backup.verification_level(), v1::STORED);
    EXPECT_EQ(backup.policy(), "policies/nightly");
    const CommandResult list = fleet_->Ctl({"backup", "list"});
    EXPECT_THAT(list.out, HasSubstr(one.name));

    const absl::Status restored = RestoreByHand(*server_, backup.path(), one.name + "_restored");
    ASSERT_TRUE(restored.ok()) << restored;
    const auto source = DumpOf(*server_, one.name);
    ASSERT_TRUE(source.ok()) << source.status();
    ASSERT_TRUE(RestoreFromSql(*server_, *source, one.name + "_plain").ok());
    const auto ours = DumpOf(*server_, one.name + "_restored");
    const auto plain = DumpOf(*server_, one.name + "_plain");
    ASSERT_TRUE(ours.ok() && plain.ok());
    EXPECT_TRUE(WithoutKeys(*ours) == WithoutKeys(*plain)) << "the restored database differs from the source";
  }
}

TEST_F(FirstBackupTest, ScheduleFiresByItself) {
  AddAgentWith({{"sample", ""}});

  ASSERT_EQ(fleet_->Ctl({"apply", "-f", WritePolicyFile(kEveryMinute)}).exit_code, 0);

  // The next slot is a row before it is due.
  v1::RunFilter filter;
  filter.set_policy("policies/often");
  const auto runs = fleet_->ListRuns(filter);
  ASSERT_TRUE(runs.ok()) << runs.status();
  ASSERT_FALSE(runs->empty());
  const auto next = std::min_element(runs->begin(), runs->end(), [](const v1::Run& a, const v1::Run& b) {
    return a.slot_time().seconds() < b.slot_time().seconds();
  });
  const auto ended = fleet_->AwaitEnd(next->name(), absl::Seconds(100));
  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_EQ(ended->state(), v1::SUCCEEDED) << ended->DebugString();
  EXPECT_FALSE(ended->manual());
  EXPECT_EQ(ended->slot_time().seconds() % 60, 0);
  EXPECT_GE(ended->start_time().seconds(), ended->slot_time().seconds());
  const auto status = fleet_->CtlJson({"status"});
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_EQ((*status)["databases"][0]["health"], "OK");
}

}  // namespace
}  // namespace backup::testing
