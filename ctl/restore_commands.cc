// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/errors.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "ctl/commands.h"
#include "ctl/database_argument.h"
#include "ctl/follow_run.h"
#include "ctl/restore_view.h"
#include "ctl/run_filter.h"
#include "ctl/run_request.h"
#include "ctl/short_name.h"

namespace backup::ctl {
namespace {

struct RestoreFlags {
  std::string backup;
  std::string database;
  std::string target;
  std::string as;
  std::string into;
  std::string into_schema;
  std::vector<std::string> tables;
  std::vector<std::string> schemas;
  int jobs = 0;
  bool create_roles = false;
  bool no_tablespaces = false;
  bool prove = false;
  bool wait = false;
};

absl::Status WrongUsage(absl::string_view why, absl::string_view hint = "") {
  return MakeError(absl::StatusCode::kInvalidArgument, "WRONG_USAGE", why, hint);
}

// The only server that the agent of `database` may restore to.
absl::StatusOr<std::string> OnlyTarget(Client& client, const std::string& database) {
  ASSIGN_OR_RETURN(const DatabaseId id, ParseDatabaseName(database));
  v1::GetAgentRequest request;
  request.set_name(MakeAgentName(id.agent));
  ASSIGN_OR_RETURN(const v1::Agent agent, client.Call(&v1::AgentService::Stub::GetAgent, request));
  if (agent.restore_targets_size() == 1) return agent.restore_targets(0);
  if (agent.restore_targets().empty()) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "RESTORE_TARGET_UNKNOWN",
                     absl::StrCat("agent ", id.agent, " may restore to no server"),
                     "list a server under restoreTargets in the agent's configuration file, and restart the agent");
  }
  return WrongUsage(absl::StrCat("agent ", id.agent, " may restore to several servers: ",
                                 CleanText(absl::StrJoin(agent.restore_targets(), ", "))),
                    "choose one with --target");
}

absl::StatusOr<v1::Run> WantedRestore(Client& client, const RestoreFlags& flags, bool plan_only) {
  if (flags.backup.empty() == flags.database.empty()) {
    return WrongUsage("restore wants a backup, or --database for its newest good one", "see backupctl backup list");
  }
  if (flags.as.empty() == flags.into.empty() || flags.into.empty() != flags.into_schema.empty()) {
    return WrongUsage(
        "it is not said where to restore to",
        "give --as NAME for a new database, or --into DATABASE --into-schema NAME for a schema beside all "
        "that a database holds");
  }
  v1::Run wanted;
  wanted.set_kind(v1::RESTORE);
  std::string database;
  if (!flags.backup.empty()) {
    v1::GetBackupRequest request;
    request.set_name(FullName("backups", flags.backup));
    ASSIGN_OR_RETURN(const v1::Backup backup, client.Call(&v1::BackupService::Stub::GetBackup, request));
    wanted.set_backup(backup.name());
    database = backup.database();
  } else {
    ASSIGN_OR_RETURN(database, ResolveDatabase(client, flags.database));
    wanted.set_database(database);
  }
  v1::RestoreRunSpec& restore = *wanted.mutable_spec()->mutable_restore();
  restore.set_target(flags.target);
  if (flags.target.empty()) {
    ASSIGN_OR_RETURN(*restore.mutable_target(), OnlyTarget(client, database));
  }
  restore.set_database(flags.as.empty() ? flags.into : flags.as);
  restore.set_into_schema(flags.into_schema);
  restore.mutable_tables()->Assign(flags.tables.begin(), flags.tables.end());
  restore.mutable_schemas()->Assign(flags.schemas.begin(), flags.schemas.end());
  restore.set_jobs(flags.jobs);
  restore.set_create_roles(flags.create_roles);
  restore.set_ignore_tablespaces(flags.no_tablespaces);
  restore.set_prove(flags.prove);
  restore.set_plan_only(plan_only);
  return wanted;
}

// The newest drill of the database that restored everything; nothing when there is none, or it cannot be read.
std::optional<MeasuredDrill> NewestMeasuredDrill(Client& client, const std::string& database) {
  v1::ListRunsRequest request;
  request.mutable_filter()->set_database(database);
  request.mutable_filter()->add_kinds(v1::DRILL);
  LeaveOutThoseToCome(*request.mutable_filter());
  request.set_page_size(20);
  const absl::StatusOr<v1::ListRunsResponse> drills = client.Call(&v1::RunService::Stub::ListRuns, request);
  if (!drills.ok()) return std::nullopt;
  for (const v1::Run& run : drills->runs()) {
    if (!run.has_restore_facts()) continue;
    v1::GetBackupRequest get;
    get.set_name(run.backup());
    absl::StatusOr<v1::Backup> backup = client.Call(&v1::BackupService::Stub::GetBackup, get);
    if (backup.ok()) return MeasuredDrill{run, *std::move(backup)};
  }
  return std::nullopt;
}

absl::StatusOr<ExitCode> Plan(Session& session, const RestoreFlags& flags) {
  ASSIGN_OR_RETURN(Client * client, session.client());
  ASSIGN_OR_RETURN(const v1::Run wanted, WantedRestore(*client, flags, /*plan_only=*/true));
  ASSIGN_OR_RETURN(v1::Run run, AskForRun(session, *client, wanted));
  TellIfAgentIsAway(session, *client, run);
  ASSIGN_OR_RETURN(run, FollowRun(session, run.name()));
  RETURN_IF_ERROR(OutcomeOf(run));
  session.output().Single(run, [&] {
    return DescribeRestorePlan(run, NewestMeasuredDrill(*client, run.database()), session.output().options().color,
                               session.now());
  });
  return run.restore_facts().obstacles().empty() ? ExitCode::kOk : ExitCode::kConflict;
}

absl::StatusOr<ExitCode> Run(Session& session, const RestoreFlags& flags) {
  ASSIGN_OR_RETURN(Client * client, session.client());
  ASSIGN_OR_RETURN(const v1::Run wanted, WantedRestore(*client, flags, /*plan_only=*/false));
  ASSIGN_OR_RETURN(v1::Run run, AskForRun(session, *client, wanted));
  TellIfAgentIsAway(session, *client, run);
  if (!flags.wait) {
    ShowAskedRuns(session, {run});
    return ExitCode::kOk;
  }
  ASSIGN_OR_RETURN(run, FollowRun(session, run.name()));
  RETURN_IF_ERROR(OutcomeOf(run));
  session.output().Single(run, [&] { return DescribeRestored(run); });
  return ExitCode::kOk;
}

CLI::App& AddRestoreLeaf(CommandTree& tree, CLI::App& noun, const char* verb, CommandHelp help,
                         const std::shared_ptr<RestoreFlags>& flags,
                         absl::StatusOr<ExitCode> (*act)(Session&, const RestoreFlags&)) {
  CLI::App& leaf = tree.AddLeaf(noun, verb, std::move(help),
                                [&session = tree.session(), flags, act] { return act(session, *flags); });
  leaf.add_option("BACKUP", flags->backup, "the backup's id");
  leaf.add_option("--database", flags->database, "the newest good backup of this database")->type_name("DATABASE");
  leaf.add_option("--as", flags->as, "name of the database to make")->type_name("NAME");
  leaf.add_option("--into", flags->into, "a database that is there, and stays as it is; with --into-schema")
      ->type_name("DBNAME");
  leaf.add_option("--into-schema", flags->into_schema,
                  "name of the schema to make in it for the chosen tables, their rows, indexes and constraints")
      ->type_name("NAME");
  leaf.add_option("--target", flags->target,
                  "server, as the agent's own file names it; may be left out for the only one")
      ->type_name("TARGET");
  leaf.add_option("--table", flags->tables, "load the rows of this table only; may be repeated")
      ->type_name("SCHEMA.TABLE")
      ->allow_extra_args(false);
  leaf.add_option("--schema", flags->schemas, "load the rows of this schema's tables only; may be repeated")
      ->type_name("SCHEMA")
      ->allow_extra_args(false);
  leaf.add_option("--jobs", flags->jobs, "tables loaded and indexes built at once")
      ->type_name("N")
      ->check(CLI::Range(1, 64));
  leaf.add_flag("--create-roles", flags->create_roles, "make the roles that the server lacks, without passwords");
  leaf.add_flag("--no-tablespaces", flags->no_tablespaces, "put everything into the default tablespace");
  leaf.add_flag("--prove", flags->prove, "read every table again afterwards, and compare its contents");
  return leaf;
}

}  // namespace

void AddRestoreCommands(CommandTree& tree) {
  CLI::App& noun = tree.AddNoun("restore", "Restores: bring a backup back beside what is there", kWatchGroup);
  AddRestoreLeaf(tree, noun, "plan",
                 {"Say what a restore would need, what is missing and how long it would take; changes nothing",
                  "Exit code 0 when nothing stands in the way, 6 when something does.",
                  "backupctl restore plan --database shop --as shop_restored"},
                 std::make_shared<RestoreFlags>(), &Plan);
  auto run = std::make_shared<RestoreFlags>();
  AddRestoreLeaf(
      tree, noun, "run",
      {"Restore a backup into a new database, or tables of it into a new schema",
       "What is made has its name only once everything is in it. With --wait the exit code is 0 when it is, 8 "
       "when\n"
       "the backup is bad, 6 when something is in the way, 3 when it lacks a table that was named, 1 otherwise. Ctrl-C "
       "stops the waiting, not the restore.",
       "backupctl restore run 20261123T220000Z-7k3m9q2x4d --as shop_restored --prove --wait"},
      run, &Run)
      .add_flag("--wait", run->wait, "follow it to its end");
}

}  // namespace backup::ctl
