// SPDX-License-Identifier: Apache-2.0
// Drills as runs of the fleet: a backup is proven by a restore, on request and by schedule, and what does not come back
// is found out.
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "base/proto_json.h"
#include "base/resource_name.h"
#include "tests/system/fleet_story.h"
#include "tests/system/process_table.h"
#include "tests/testing/temp_dir.h"

namespace backup::testing {
namespace {

using ::testing::HasSubstr;

constexpr char kDatabase[] = "agents/db1/databases/app";
// Holds the drill's server for as long as a test likes.
constexpr char kWaitsForEver[] = "SELECT pg_sleep(600) IS NULL";

class DrillStory : public FleetStory {
 protected:
  void SetUp() override {
    FleetStory::SetUp();
    // The server's user has to pass through when we are root.
    ASSERT_EQ(chmod(scratch_.path().c_str(), 0711), 0);
    ASSERT_THAT(server_->Execute("CREATE DATABASE app"), IsOk());
    ASSERT_THAT(
        server_->Execute("CREATE TABLE orders AS SELECT i, 'order ' || i AS name FROM generate_series(1, 500) i;"
                         "ALTER TABLE orders ADD PRIMARY KEY (i)",
                         "app"),
        IsOk());
    MiniAgentOptions options;
    options.databases.push_back({.id = "", .url = server_->Url("app"), .password = ""});
    options.drill_directory = scratch_.path();
    agent_ = AddAgent(options);
    ASSERT_NE(agent_, nullptr);
    ASSERT_THAT(fleet_->AwaitDatabase("db1", "app"), IsOk());
  }

  CommandResult Drill(const v1::Run& backup, const std::vector<std::string>& flags = {}) {
    std::vector<std::string> arguments = {"drill", "run", backup.backup()};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return fleet_->Ctl(arguments, "", absl::Minutes(2));
  }
  v1::Backup Catalogued(const v1::Run& backup) {
    v1::GetBackupRequest request;
    request.set_name(backup.backup());
    const auto row = fleet_->client().Call(&v1::BackupService::Stub::GetBackup, request);
    EXPECT_THAT(row, IsOk());
    return row.value_or(v1::Backup());
  }
  v1::Run NewestDrill() {
    v1::RunFilter filter;
    filter.add_kinds(v1::DRILL);
    const auto runs = fleet_->ListRuns(filter);
    EXPECT_TRUE(runs.ok() && !runs->empty());
    return runs.ok() && !runs->empty() ? runs->front() : v1::Run();
  }
  // Starts a drill that does not end, and waits until it asks its assertion.
  v1::Run StartEndlessDrill(const v1::Run& backup) {
    const CommandResult asked = Drill(backup, {"--assert", kWaitsForEver});
    EXPECT_EQ(asked.exit_code, 0) << asked.err;
    const v1::Run drill = NewestDrill();
    EXPECT_TRUE(Eventually(absl::Seconds(60), [&] { return !Queries().empty(); })) << fleet_->Logs();
    return drill;
  }
  // Sessions of the drill's server that work on a query: PostgreSQL puts it into their process title.
  std::vector<ProcessEntry> Queries() const {
    std::vector<ProcessEntry> found;
    for (const ProcessEntry& process : ListProcesses()) {
      if (process.name == "postgres" && process.command_line.find("backupctl assertions drill") != std::string::npos &&
          process.command_line.find("SELECT") != std::string::npos) {
        found.push_back(process);
      }
    }
    return found;
  }
  bool NothingIsLeft() const {
    return std::filesystem::is_empty(scratch_.path()) && ProcessesMentioning(scratch_.path()).empty();
  }

  TempDir scratch_;
  MiniAgent* agent_ = nullptr;
};

TEST_F(DrillStory, ABackupThatCameBackIsProven) {
  const v1::Run backup = Backup(kDatabase);
  EXPECT_LT(Catalogued(backup).verification_level(), v1::RESTORED);

  const CommandResult drill =
      Drill(backup, {"--wait", "--assert", "SELECT count(*) = 500 FROM orders", "--max-duration", "10m"});

  EXPECT_EQ(drill.exit_code, 0) << drill.err;
  EXPECT_THAT(drill.out, HasSubstr("SUCCEEDED"));
  const v1::Backup proven = Catalogued(backup);
  EXPECT_EQ(proven.verification_level(), v1::RESTORED);
  EXPECT_TRUE(proven.has_prove_time());
  EXPECT_GT(ToAbsl(proven.restore_duration()), absl::ZeroDuration());
  const auto list = fleet_->CtlJson({"drill", "list"});
  ASSERT_THAT(list, IsOk());
  EXPECT_EQ((*list)["runs"][0]["restoreFacts"]["rowCount"], "500");
  EXPECT_EQ((*list)["runs"][0]["restoreFacts"]["assertionCount"], 1);
  EXPECT_TRUE(NothingIsLeft());
}

TEST_F(DrillStory, TheScheduleDrillsTheNewestGoodBackup) {
  Backup(kDatabase);
  const v1::Run newest = Backup(kDatabase);
  const std::string file = fleet_->directory() + "/policy.yaml";
  ASSERT_THAT(WriteFileAtomically(file, R"(
apiVersion: backup/v1
kind: Policy
metadata: {name: proven}
spec:
  databases: [{agent: "*", database: "*"}]
  schedule: {cron: "0 0 1 1 *"}
  drill: {cron: "* * * * *", maxDuration: 30m, assert: ["SELECT count(*) > 0 FROM orders"]}
  retention: {keepLast: 3}
)"),
              IsOk());
  ASSERT_EQ(fleet_->Ctl({"apply", "-f", file}).exit_code, 0);

  v1::RunFilter filter;
  filter.add_kinds(v1::DRILL);
  const auto runs = fleet_->ListRuns(filter);
  ASSERT_TRUE(runs.ok() && !runs->empty());
  const auto next = std::min_element(runs->begin(), runs->end(), [](const v1::Run& a, const v1::Run& b) {
    return a.slot_time().seconds() < b.slot_time().seconds();
  });
  const auto ended = fleet_->AwaitEnd(next->name(), absl::Seconds(150));

  ASSERT_THAT(ended, IsOk());
  EXPECT_EQ(ended->state(), v1::SUCCEEDED) << ended->DebugString();
  EXPECT_FALSE(ended->manual());
  EXPECT_EQ(ended->backup(), newest.backup());
  EXPECT_EQ(ended->restore_facts().assertion_count(), 1);
}

// Other rows, and a manifest, sums and index that agree with them: only the catalog knows better.
TEST_F(DrillStory, AnArtifactThatWasExchangedWithAllItsSumsIsFound) {
  const v1::Run good = Backup(kDatabase);
  ASSERT_THAT(server_->Execute("UPDATE orders SET name = 'forged' WHERE i = 7", "app"), IsOk());
  const v1::Run other = Backup(kDatabase);
  const std::string path = Catalogued(good).path();
  std::filesystem::remove_all(path);
  std::filesystem::copy(Catalogued(other).path(), path, std::filesystem::copy_options::recursive);

  const CommandResult drill = Drill(good, {"--wait"});

  EXPECT_EQ(drill.exit_code, 8) << drill.out << drill.err;
  EXPECT_THAT(drill.err, HasSubstr("reason: CORRUPT"));
  EXPECT_EQ(Catalogued(good).state(), v1::BAD);
  EXPECT_EQ(Catalogued(other).state(), v1::GOOD);
}

TEST_F(DrillStory, AnAssertionThatDoesNotHoldFailsTheDrill) {
  const v1::Run backup = Backup(kDatabase);

  const CommandResult drill = Drill(backup, {"--wait", "--assert", "SELECT count(*) > 500 FROM orders"});

  EXPECT_EQ(drill.exit_code, 8) << drill.out << drill.err;
  EXPECT_THAT(drill.err, HasSubstr("reason: ASSERTION_FAILED"));
  EXPECT_THAT(drill.err, HasSubstr("SELECT count(*) > 500 FROM orders"));
  EXPECT_EQ(Catalogued(backup).state(), v1::GOOD);  // No policy asks that.
  EXPECT_TRUE(NothingIsLeft());
}

TEST_F(DrillStory, ACancelledDrillEndsAndLeavesNothing) {
  const v1::Run backup = Backup(kDatabase);
  const v1::Run drill = StartEndlessDrill(backup);

  EXPECT_EQ(fleet_->Ctl({"run", "cancel", drill.name()}).exit_code, 0);

  EXPECT_EQ(AwaitEnd(drill).state(), v1::CANCELLED);
  EXPECT_TRUE(NothingIsLeft());
  EXPECT_LT(Catalogued(backup).verification_level(), v1::RESTORED);
}

TEST_F(DrillStory, AKilledAgentTakesItsServerAlongAndTheNextDrillClearsUp) {
  const v1::Run backup = Backup(kDatabase);
  const v1::Run drill = StartEndlessDrill(backup);

  agent_->daemon().Kill();

  EXPECT_TRUE(Eventually(absl::Seconds(30), [&] { return ProcessesMentioning(scratch_.path()).empty(); }));
  ASSERT_THAT(agent_->Start(), IsOk());
  EXPECT_EQ(AwaitState(drill, v1::FAILED).failure().cause(), v1::AGENT_LOST);
  EXPECT_EQ(Drill(backup, {"--wait"}).exit_code, 0);
  EXPECT_TRUE(NothingIsLeft());
}

}  // namespace
}  // namespace backup::testing
