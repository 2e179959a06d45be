// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/proto_json.h"
#include "base/status_macros.h"
#include "base/units.h"
#include "ctl/commands.h"
#include "ctl/database_argument.h"
#include "ctl/drill_view.h"
#include "ctl/follow_run.h"
#include "ctl/list_limit.h"
#include "ctl/paging.h"
#include "ctl/run_filter.h"
#include "ctl/run_request.h"
#include "ctl/short_name.h"

namespace backup::ctl {
namespace {

struct RunFlags {
  std::string backup;
  std::string database;
  int jobs = 0;
  std::string max_duration;
  std::vector<std::string> assertions;
  bool wait = false;
};

struct ListFlags {
  std::string policy;
  std::string database;
  ListLimit limit;
};

absl::Status WrongUsage(absl::string_view why, absl::string_view hint = "") {
  return MakeError(absl::StatusCode::kInvalidArgument, "WRONG_USAGE", why, hint);
}

absl::StatusOr<v1::Run> WantedDrill(Session& session, const RunFlags& flags) {
  if (flags.backup.empty() == flags.database.empty()) {
    return WrongUsage("drill run wants a backup, or --database for its newest good one", "see backupctl backup list");
  }
  v1::Run wanted;
  wanted.set_kind(v1::DRILL);
  v1::DrillRunSpec& drill = *wanted.mutable_spec()->mutable_drill();
  drill.set_jobs(flags.jobs);
  if (!flags.max_duration.empty()) {
    const absl::StatusOr<absl::Duration> limit = ParseDuration(flags.max_duration);
    if (!limit.ok()) return WrongUsage(absl::StrCat("--max-duration: ", limit.status().message()));
    *drill.mutable_max_duration() = ToProto(*limit);
  }
  drill.mutable_assertions()->Assign(flags.assertions.begin(), flags.assertions.end());
  if (!flags.backup.empty()) {
    wanted.set_backup(FullName("backups", flags.backup));
    return wanted;
  }
  ASSIGN_OR_RETURN(Client * client, session.client());
  ASSIGN_OR_RETURN(const std::string database, ResolveDatabase(*client, flags.database));
  wanted.set_database(database);
  return wanted;
}

absl::StatusOr<ExitCode> Run(Session& session, const RunFlags& flags) {
  ASSIGN_OR_RETURN(const v1::Run wanted, WantedDrill(session, flags));
  ASSIGN_OR_RETURN(Client * client, session.client());
  ASSIGN_OR_RETURN(v1::Run run, AskForRun(session, *client, wanted));
  TellIfAgentIsAway(session, *client, run);
  if (!flags.wait) {
    ShowAskedRuns(session, {run});
    return ExitCode::kOk;
  }
  ASSIGN_OR_RETURN(run, FollowRun(session, run.name()));
  session.output().Single(run, [&] { return session.output().Layout(DrillTable({run}, session.now())); });
  RETURN_IF_ERROR(OutcomeOf(run));
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> List(Session& session, const ListFlags& flags) {
  v1::ListRunsRequest request;
  request.mutable_filter()->add_kinds(v1::DRILL);
  if (flags.database.empty()) LeaveOutThoseToCome(*request.mutable_filter());
  if (!flags.policy.empty()) request.mutable_filter()->set_policy(FullName("policies", flags.policy));
  ASSIGN_OR_RETURN(Client * client, session.client());
  if (!flags.database.empty()) {
    ASSIGN_OR_RETURN(const std::string database, ResolveDatabase(*client, flags.database));
    request.mutable_filter()->set_database(database);
  }
  ASSIGN_OR_RETURN(const Listed<v1::Run> listed, ListPages(*client, &v1::RunService::Stub::ListRuns, request,
                                                           &v1::ListRunsResponse::runs, flags.limit.Of(session)));
  session.output().List("runs", Pointers(listed.items), [&] { return DrillTable(listed.items, session.now()); });
  if (listed.items.empty() && session.output().for_people()) {
    session.Say("no drills; prove a restore with: backupctl drill run BACKUP --wait");
  }
  flags.limit.TellMore(session, listed.more);
  return ExitCode::kOk;
}

}  // namespace

void AddDrillCommands(CommandTree& tree) {
  Session& session = tree.session();
  CLI::App& noun = tree.AddNoun("drill", "Drills: prove that a backup comes back", kWatchGroup);

  auto run = std::make_shared<RunFlags>();
  CLI::App& run_leaf = tree.AddLeaf(
      noun, "run",
      {"Restore a backup into a throwaway server on its agent's host, and compare every table",
       "What is not said is as in the backup's policy. With --wait the exit code is 0 when everything came back equal "
       "and\n"
       "in time, 8 when the backup is bad, 6 when it could not be tried, 1 otherwise. Ctrl-C stops the waiting, not "
       "the drill.",
       "backupctl drill run 20261123T220000Z-7k3m9q2x4d --wait\n"
       "backupctl drill run --database shop --assert 'SELECT count(*) > 0 FROM orders'"},
      [&session, run] { return Run(session, *run); });
  run_leaf.add_option("BACKUP", run->backup, "the backup's id");
  run_leaf.add_option("--database", run->database, "the newest good backup of this database")->type_name("DATABASE");
  run_leaf.add_option("--assert", run->assertions, "a query that must give one row with one true; may be repeated")
      ->type_name("SQL")
      ->allow_extra_args(false);
  run_leaf.add_option("--max-duration", run->max_duration, "how long the restore may take, e.g. 30m")
      ->type_name("DURATION");
  run_leaf.add_option("--jobs", run->jobs, "tables loaded and indexes built at once")
      ->type_name("N")
      ->check(CLI::Range(1, 64));
  run_leaf.add_flag("--wait", run->wait, "follow it to its end");

  auto list = std::make_shared<ListFlags>();
  CLI::App& list_leaf = tree.AddLeaf(noun, "list",
                                     {"List drills, the newest first", "With --database also the next one to come.",
                                      "backupctl drill list --database shop -o wide"},
                                     [&session, list] { return List(session, *list); });
  list_leaf.add_option("--policy", list->policy, "only drills of this policy")->type_name("POLICY");
  list_leaf.add_option("--database", list->database, "only drills of this database")->type_name("DATABASE");
  list->limit.AddFlag(list_leaf);
}

}  // namespace backup::ctl
