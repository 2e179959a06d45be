// SPDX-License-Identifier: Apache-2.0
// The catalog or the controller is away for a while: agents work on, keep their results and deliver them later.

#include <algorithm>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "tests/system/fleet_story.h"

namespace backup::testing {
namespace {

using ::testing::HasSubstr;

class AbsenceStory : public FleetStory {
 protected:
  void WritePolicy(const std::string& file, const std::string& schedule) {
    std::ofstream(file) << "apiVersion: backup/v1\nkind: Policy\nmetadata: {name: often}\nspec:\n"
                        << "  databases: [{agent: \"*\", database: \"*\"}]\n"
                        << "  schedule: {" << schedule << "}\n"
                        << "  retention: {keepLast: 3}\n";
  }
  const std::string database_ = "agents/db1/databases/app";
};

TEST_F(AbsenceStory, AgentRunsOnTimeWithoutTheControllerAndReportsWhenItIsBack) {
  MiniAgent* agent = AddAgentWithDatabase("db1", "app");
  ASSERT_NE(agent, nullptr);
  const std::string file = fleet_->directory() + "/often.yaml";
  WritePolicy(file, "every: 1m");
  const CommandResult applied = fleet_->Ctl({"apply", file});
  ASSERT_EQ(applied.exit_code, 0) << applied.err;
  // The agent holds the next slot once the catalog says it was delivered.
  ASSERT_TRUE(Eventually(absl::Seconds(20), [&] {
    absl::StatusOr<std::vector<v1::Run>> runs = fleet_->ListRuns();
    return runs.ok() && std::any_of(runs->begin(), runs->end(),
                                    [](const v1::Run& run) { return run.state() == v1::SCHEDULED && run.delivered(); });
  }));

  EXPECT_TRUE(fleet_->controller().Stop().ok());
  ASSERT_TRUE(Eventually(absl::Seconds(90), [&] { return !agent->Artifacts().empty(); }));
  const absl::Time back = absl::Now();
  ASSERT_THAT(fleet_->RestartController(), IsOk());

  ASSERT_TRUE(Eventually(absl::Seconds(60), [&] {
    absl::StatusOr<std::vector<v1::Backup>> backups = fleet_->ListBackups();
    return backups.ok() && !backups->empty();
  }));
  absl::StatusOr<std::vector<v1::Backup>> backups = fleet_->ListBackups();
  ASSERT_THAT(backups.status(), IsOk());
  const v1::Backup& first = backups->back();
  v1::RunFilter filter;
  filter.add_states(v1::SUCCEEDED);
  absl::StatusOr<std::vector<v1::Run>> runs = fleet_->ListRuns(filter);
  ASSERT_THAT(runs.status(), IsOk());
  ASSERT_FALSE(runs->empty());
  const v1::Run& run = runs->back();
  EXPECT_EQ(run.name(), first.run());
  EXPECT_FALSE(run.manual());
  // On time: within the minute of its slot, and before the controller came back.
  EXPECT_GE(run.start_time().seconds(), run.slot_time().seconds());
  EXPECT_LT(run.start_time().seconds(), run.slot_time().seconds() + 60);
  EXPECT_LE(run.start_time().seconds(), absl::ToUnixSeconds(back));
}

TEST_F(AbsenceStory, SecondControllerOnTheSameDirectoryRefuses) {
  const CommandResult second = RunCommand(
      {ProgramPath("backup-controller"), "--data-dir", fleet_->controller_directory(), "--listen", "127.0.0.1:0"});
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.err, HasSubstr("in use"));
}

TEST_F(AbsenceStory, SecondControllerOnTheSamePortRefuses) {
  const CommandResult second = RunCommand({ProgramPath("backup-controller"), "--data-dir",
                                           fleet_->directory() + "/second", "--listen", fleet_->controller_address()});
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.err, HasSubstr(fleet_->controller_address()));
  EXPECT_THAT(second.err, HasSubstr("ADDRESS_IN_USE"));
}

// The catalog is a server of the administrator's.
class ForeignCatalogStory : public AbsenceStory {
 protected:
  void SetUp() override {
    absl::StatusOr<std::unique_ptr<MiniPostgres>> catalog = MiniPostgres::Create();
    ASSERT_THAT(catalog.status(), IsOk());
    catalog_ = *std::move(catalog);
    AbsenceStory::SetUp();
  }
  MiniFleetOptions FleetOptions() const override { return {.catalog_url = catalog_->Url()}; }

  std::unique_ptr<MiniPostgres> catalog_;
};

TEST_F(ForeignCatalogStory, ResultsWaitWhileTheCatalogIsDown) {
  MiniAgent* agent = AddAgentWithDatabase("db1", "app");
  ASSERT_NE(agent, nullptr);
  DumpGate gate(*server_, "app");
  const v1::Run run = BackupUntilGate(database_, gate);

  ASSERT_THAT(catalog_->Stop(MiniPostgres::StopMode::kImmediate), IsOk());
  gate.Open();
  ASSERT_TRUE(Eventually(absl::Seconds(30), [&] { return agent->Artifacts().size() == 1; }));
  const CommandResult status = fleet_->Ctl({"backup", "list"});
  EXPECT_EQ(status.exit_code, 5) << status.out << status.err;
  EXPECT_THAT(status.err, HasSubstr("CATALOG_UNAVAILABLE"));
  EXPECT_TRUE(fleet_->controller().running());
  ASSERT_THAT(catalog_->Start(), IsOk());

  EXPECT_EQ(AwaitState(run, v1::SUCCEEDED).name(), run.name());
  ExpectTruth(*agent, 1);
}

TEST_F(ForeignCatalogStory, SecondControllerOnTheSameCatalogRefuses) {
  const CommandResult second =
      RunCommand({ProgramPath("backup-controller"), "--data-dir", fleet_->directory() + "/second", "--listen",
                  "127.0.0.1:0", "--catalog", catalog_->Url()});
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.err, HasSubstr("CATALOG_IN_USE"));
}

}  // namespace
}  // namespace backup::testing
