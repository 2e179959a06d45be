// SPDX-License-Identifier: Apache-2.0
#include "tests/system/fleet_story.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace backup::testing {

void FleetStory::SetUp() {
  absl::StatusOr<std::unique_ptr<MiniPostgres>> server = MiniPostgres::Create(ServerOptions());
  ASSERT_THAT(server.status(), IsOk());
  server_ = *std::move(server);
  absl::StatusOr<std::unique_ptr<MiniFleet>> fleet = MiniFleet::Create(FleetOptions());
  ASSERT_THAT(fleet.status(), IsOk());
  fleet_ = *std::move(fleet);
}

void FleetStory::TearDown() {
  if (fleet_ == nullptr) return;
  EXPECT_THAT(fleet_->StopAndFindLeftovers(), ::testing::IsEmpty());
  if (HasFailure()) ADD_FAILURE() << fleet_->Logs();
}

MiniAgent* FleetStory::AddAgentWithDatabase(const std::string& id, const std::string& database) {
  const absl::Status made = server_->Execute(absl::StrCat("CREATE DATABASE \"", database, "\""));
  EXPECT_THAT(made, IsOk());
  EXPECT_THAT(DumpGate::Prepare(*server_, database), IsOk());
  MiniAgentOptions options;
  options.id = id;
  options.databases = {{.id = database, .url = server_->Url(database), .password = ""}};
  MiniAgent* agent = AddAgent(std::move(options));
  if (agent != nullptr) {
    EXPECT_THAT(fleet_->AwaitDatabase(id, database).status(), IsOk());
  }
  return agent;
}

MiniAgent* FleetStory::AddAgent(MiniAgentOptions options) {
  absl::StatusOr<MiniAgent*> agent = fleet_->AddAgent(std::move(options));
  EXPECT_THAT(agent.status(), IsOk());
  return agent.ok() ? *agent : nullptr;
}

v1::Run FleetStory::Backup(const std::string& database_name) {
  absl::StatusOr<v1::Run> run = fleet_->RequestBackup(database_name);
  EXPECT_THAT(run.status(), IsOk());
  return run.ok() ? AwaitEnd(*run) : v1::Run();
}

v1::Run FleetStory::BackupUntilGate(const std::string& database_name, const DumpGate& gate) {
  EXPECT_TRUE(gate.closed());
  absl::StatusOr<v1::Run> run = fleet_->RequestBackup(database_name);
  EXPECT_THAT(run.status(), IsOk());
  EXPECT_TRUE(Eventually(absl::Seconds(30), [&] { return gate.SomebodyWaits(); }));
  return run.ok() ? AwaitState(*run, v1::RUNNING) : v1::Run();
}

v1::Run FleetStory::AwaitEnd(const v1::Run& run) {
  absl::StatusOr<v1::Run> ended = fleet_->AwaitEnd(run.name());
  EXPECT_THAT(ended.status(), IsOk());
  return ended.ok() ? *ended : v1::Run();
}

v1::Run FleetStory::AwaitState(const v1::Run& run, v1::RunState state) {
  absl::StatusOr<v1::Run> reached =
      fleet_->AwaitRun(run.name(), [state](const v1::Run& now) { return now.state() == state; });
  EXPECT_THAT(reached.status(), IsOk()) << run.name() << " never became " << v1::RunState_Name(state);
  return reached.ok() ? *reached : v1::Run();
}

void FleetStory::ExpectTruth(MiniAgent& agent, size_t good_backups) {
  v1::BackupFilter filter;
  filter.set_agent(absl::StrCat("agents/", agent.id()));
  filter.add_states(v1::GOOD);
  absl::StatusOr<std::vector<v1::Backup>> backups = fleet_->ListBackups(filter);
  ASSERT_THAT(backups.status(), IsOk());
  EXPECT_EQ(backups->size(), good_backups);
  EXPECT_EQ(agent.Artifacts().size(), good_backups) << absl::StrJoin(agent.Artifacts(), "\n");
  EXPECT_TRUE(Eventually(absl::Seconds(10), [&] { return agent.Partials().empty() && agent.DumpProcesses().empty(); }))
      << absl::StrJoin(agent.Partials(), "\n");
  for (const v1::Backup& backup : *backups) {
    CommandOptions options;
    options.environment = agent.environment();
    const CommandResult verified = RunCommand({ProgramPath("backup-agent"), "verify", backup.path()}, options);
    EXPECT_EQ(verified.exit_code, 0) << backup.path() << "\n" << verified.err;
  }
}

}  // namespace backup::testing
