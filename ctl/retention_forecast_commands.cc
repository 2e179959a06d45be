// SPDX-License-Identifier: Apache-2.0
#include "ctl/retention_forecast_commands.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "ctl/commands.h"
#include "ctl/database_argument.h"
#include "ctl/list_limit.h"
#include "ctl/outlook_view.h"
#include "ctl/policy_choice.h"
#include "ctl/short_name.h"
#include "ctl/simulation_view.h"

namespace backup::ctl {
namespace {

struct SimulateFlags {
  std::string database;
  std::string policy;
  std::string file;
  int days = 400;
  ListLimit limit;
};

absl::StatusOr<v1::BackupOutlook> ReadOutlook(Client& client, const std::string& backup) {
  v1::GetBackupOutlookRequest request;
  request.set_name(backup);
  return client.Call(&v1::BackupService::Stub::GetBackupOutlook, request);
}

absl::StatusOr<ExitCode> Simulate(Session& session, const SimulateFlags& flags) {
  v1::SimulateRetentionRequest request;
  PolicyDocument document;
  if (!flags.file.empty()) {
    ASSIGN_OR_RETURN(document, ChoosePolicyOfFile(session, flags.file, flags.policy));
    *request.mutable_as_policy() = document.policy;
  } else if (!flags.policy.empty()) {
    request.set_policy(FullName("policies", flags.policy));
  }
  ASSIGN_OR_RETURN(Client * client, session.client());
  ASSIGN_OR_RETURN(*request.mutable_database(), ResolveDatabase(*client, flags.database));
  request.set_day_count(flags.days);
  const absl::StatusOr<v1::RetentionSimulation> simulation =
      client->Call(&v1::BackupService::Stub::SimulateRetention, request);
  if (!simulation.ok()) return flags.file.empty() ? simulation.status() : AtPlaceInFile(simulation.status(), document);
  if (!flags.file.empty() && !simulation->as_given()) return GivenPolicyNotKnown();
  const size_t limit = flags.limit.Of(session);
  session.output().Single(*simulation, [&] { return SimulationText(*simulation, limit, session.output()); });
  if (session.output().for_people()) {
    flags.limit.TellMore(session, limit > 0 && static_cast<size_t>(simulation->backups_size()) > limit);
  }
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Explain(Session& session, const std::string& name) {
  ASSIGN_OR_RETURN(Client * client, session.client());
  ASSIGN_OR_RETURN(const v1::BackupOutlook outlook, ReadOutlook(*client, FullName("backups", name)));
  session.output().Single(outlook, [&] { return OutlookText(outlook, session.output(), session.now()); });
  return ExitCode::kOk;
}

}  // namespace

std::vector<Fact> ReadOutlookFacts(Session& session, Client& client, const std::string& backup) {
  const absl::StatusOr<v1::BackupOutlook> outlook = ReadOutlook(client, backup);
  if (outlook.ok()) return OutlookFacts(*outlook, session.now());
  if (!absl::IsUnimplemented(outlook.status())) {
    session.Say(absl::StrCat("why it is kept cannot be told: ", outlook.status().message()));
  }
  return {};
}

void AddRetentionForecastCommands(CommandTree& tree, CLI::App& noun) {
  auto flags = std::make_shared<SimulateFlags>();
  CLI::App& simulate = tree.AddLeaf(
      noun, "simulate",
      {"Say what backups of a database will exist after some days; changes nothing",
       "As if every slot brought a good backup of the newest good one's size, every drill succeeded, and retention "
       "were\n"
       "applied after each slot and within an hour of the end of a hold. notDuring is obeyed; a pause is not looked "
       "at.\nWith --file: under a policy as a file has it, before it is applied.",
       "backupctl retention simulate shop --days 400\nbackupctl retention simulate shop --policy hourly --days 30\n"
       "backupctl retention simulate shop --file nightly.yaml"},
      [&session = tree.session(), flags] { return Simulate(session, *flags); });
  simulate.add_option("DATABASE", flags->database, "which database")->required();
  simulate.add_option("--days", flags->days, "how far to look ahead (default: 400)")
      ->type_name("N")
      ->check(CLI::Range(1, 4000));
  simulate
      .add_option("--policy", flags->policy,
                  "under this policy, also if it does not cover it (default: the one that covers it)")
      ->type_name("POLICY");
  simulate
      .add_option("--file", flags->file,
                  "under a policy of this file, or of - for stdin; --policy says which of several")
      ->type_name("FILE");
  flags->limit.AddFlag(simulate);

  auto name = std::make_shared<std::string>();
  CLI::App& explain = tree.AddLeaf(
      noun, "explain",
      {"Say why a backup is kept, and when it will go", "", "backupctl retention explain 20261123T220000Z-7k3m9q2x4d"},
      [&session = tree.session(), name] { return Explain(session, *name); });
  explain.add_option("BACKUP", *name, "the backup's id")->required();
}

}  // namespace backup::ctl
