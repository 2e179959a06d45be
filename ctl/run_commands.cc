// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "ctl/commands.h"
#include "ctl/database_argument.h"
#include "ctl/enum_argument.h"
#include "ctl/follow_run.h"
#include "ctl/list_limit.h"
#include "ctl/paging.h"
#include "ctl/policy_choice.h"
#include "ctl/run_filter.h"
#include "ctl/run_logs.h"
#include "ctl/run_view.h"
#include "ctl/short_name.h"

namespace backup::ctl {
namespace {

struct ListFlags {
  std::string policy;
  std::string agent;
  std::string database;
  std::vector<std::string> states;
  std::vector<std::string> kinds;
  ListLimit limit;
};

bool AsksForThoseToCome(const v1::RunFilter& filter) {
  return filter.states_size() == 1 && filter.states(0) == v1::SCHEDULED;
}

absl::StatusOr<ExitCode> List(Session& session, const ListFlags& flags) {
  v1::ListRunsRequest request;
  if (!flags.policy.empty()) request.mutable_filter()->set_policy(FullName("policies", flags.policy));
  if (!flags.agent.empty()) request.mutable_filter()->set_agent(FullName("agents", flags.agent));
  for (const std::string& word : flags.states) {
    ASSIGN_OR_RETURN(const int state, ParseEnumWord(word, *v1::RunState_descriptor()));
    request.mutable_filter()->add_states(static_cast<v1::RunState>(state));
  }
  if (flags.states.empty()) LeaveOutThoseToCome(*request.mutable_filter());
  for (const std::string& word : flags.kinds) {
    ASSIGN_OR_RETURN(const int kind, ParseEnumWord(word, *v1::RunKind_descriptor()));
    request.mutable_filter()->add_kinds(static_cast<v1::RunKind>(kind));
  }
  ASSIGN_OR_RETURN(Client * client, session.client());
  if (!flags.database.empty()) {
    ASSIGN_OR_RETURN(const std::string database, ResolveDatabase(*client, flags.database));
    request.mutable_filter()->set_database(database);
  }
  const bool to_come = AsksForThoseToCome(request.filter());
  request.set_oldest_first(to_come);
  ASSIGN_OR_RETURN(const Listed<v1::Run> listed, ListPages(*client, &v1::RunService::Stub::ListRuns, request,
                                                           &v1::ListRunsResponse::runs, flags.limit.Of(session)));
  const bool only_policy = flags.agent.empty() && flags.database.empty() && flags.states.empty() && flags.kinds.empty();
  if (listed.items.empty() && !flags.policy.empty() && only_policy) {
    RETURN_IF_ERROR(CheckPolicyIsThere(*client, flags.policy));
  }
  session.output().List("runs", Pointers(listed.items), [&] { return RunTable(listed.items, session.now()); });
  if (listed.items.empty() && session.output().for_people()) session.Say("no runs");
  flags.limit.TellMore(session, listed.more, to_come ? "next" : "newest");
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Describe(Session& session, const std::string& name) {
  ASSIGN_OR_RETURN(Client * client, session.client());
  v1::GetRunRequest request;
  request.set_name(FullName("runs", name));
  ASSIGN_OR_RETURN(const v1::Run run, client->Call(&v1::RunService::Stub::GetRun, request));
  session.output().Single(run, [&] { return DescribeRun(run, session.output(), session.now()); });
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Watch(Session& session, const std::string& name) {
  ASSIGN_OR_RETURN(const v1::Run run, FollowRun(session, FullName("runs", name)));
  session.output().Single(run, [&] { return session.output().Layout(RunTable({run}, session.now())); });
  RETURN_IF_ERROR(OutcomeOf(run));
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Cancel(Session& session, const std::string& name, const std::string& reason) {
  ASSIGN_OR_RETURN(Client * client, session.client());
  v1::CancelRunRequest request;
  request.set_name(FullName("runs", name));
  request.set_reason(reason);
  ASSIGN_OR_RETURN(const v1::Run run, client->Call(&v1::RunService::Stub::CancelRun, request));
  session.output().Single(run, [&] {
    return absl::StrCat("run ", session.output().Paint(ShortName(run.name()), Color::kNone),
                        run.state() == v1::CANCELLED ? " cancelled\n" : ": its agent is asked to stop it\n");
  });
  return ExitCode::kOk;
}

}  // namespace

void AddRunCommands(CommandTree& tree) {
  Session& session = tree.session();
  CLI::App& noun = tree.AddNoun(
      "run", "Runs: every backup, verification, restore, drill and deletion, past, present and due", kWatchGroup);

  auto list = std::make_shared<ListFlags>();
  CLI::App& list_leaf = tree.AddLeaf(
      noun, "list",
      {"List runs, the newest first",
       "Runs yet to come are left out; --state scheduled lists those of the next 24 hours, the next one first.",
       "backupctl run list --state failed --state missed\nbackupctl run list --database shop"},
      [&session, list] { return List(session, *list); });
  list_leaf.add_option("--policy", list->policy, "only runs of this policy")->type_name("POLICY");
  list_leaf.add_option("--agent", list->agent, "only runs of this agent")->type_name("AGENT");
  list_leaf.add_option("--database", list->database, "only runs about this database")->type_name("DATABASE");
  list_leaf.add_option("--state", list->states, "only runs in this state; may be repeated")
      ->type_name("STATE")
      ->allow_extra_args(false);
  list_leaf.add_option("--kind", list->kinds, "backup, verify, restore, drill or delete; may be repeated")
      ->type_name("KIND")
      ->allow_extra_args(false);
  list->limit.AddFlag(list_leaf);

  const auto add = [&](const char* verb, CommandHelp help, auto act) -> CLI::App& {
    auto name = std::make_shared<std::string>();
    CLI::App& leaf = tree.AddLeaf(noun, verb, std::move(help), [&session, name, act] { return act(session, *name); });
    leaf.add_option("RUN", *name, "the run's id")->required();
    return leaf;
  };
  add("describe", {"Show everything about one run", "", "backupctl run describe 7k3m9q2x4d"}, Describe);
  add("watch",
      {"Follow a run to its end",
       "Exit code 0 when it succeeded, 1 when it did not, 8 when it found the backup bad. Ctrl-C "
       "stops "
       "the\n"
       "watching, not the run.",
       "backupctl run watch 7k3m9q2x4d"},
      Watch);
  auto follow = std::make_shared<bool>(false);
  add("logs", {"Print a run's log", "", "backupctl run logs 7k3m9q2x4d -f"},
      [follow](Session& s, const std::string& name) { return PrintRunLogs(s, FullName("runs", name), *follow); })
      .add_flag("-f,--follow", *follow, "go on until the run ends");
  auto reason = std::make_shared<std::string>();
  add("cancel",
      {"Stop a run", "One that has not started ends at once; a working one when its agent has stopped it.",
       "backupctl run cancel 7k3m9q2x4d --reason 'wrong database'"},
      [reason](Session& s, const std::string& name) { return Cancel(s, name, *reason); })
      .add_option("--reason", *reason, "why, for the history")
      ->type_name("TEXT");
}

}  // namespace backup::ctl
