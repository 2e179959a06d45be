// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "ctl/backup_view.h"
#include "ctl/database_argument.h"
#include "ctl/file_commands.h"
#include "ctl/fleet_view.h"
#include "ctl/list_limit.h"
#include "ctl/paging.h"
#include "ctl/policy_view.h"
#include "ctl/policy_yaml.h"
#include "ctl/run_filter.h"
#include "ctl/run_view.h"
#include "ctl/short_name.h"

namespace backup::ctl {
namespace {

struct Flags {
  std::string noun;
  std::string name;
  ListLimit limit;
};

// One of a kind of resources, by name, or all of them.
template <typename Item, typename Get, typename List, typename Show>
absl::StatusOr<ExitCode> GetItems(Session& session, const Flags& flags, const char* plural, const Get& get,
                                  const List& list, const Show& table) {
  if (flags.name.empty()) {
    absl::StatusOr<Listed<Item>> listed = list();
    if (!listed.ok()) return listed.status();
    session.output().List(plural, Pointers(listed->items), [&] { return table(listed->items, session.now()); });
    flags.limit.TellMore(session, listed->more);
    return ExitCode::kOk;
  }
  absl::StatusOr<Item> item = get();
  if (!item.ok()) return item.status();
  session.output().Single(*item, [&] { return session.output().Layout(table({*item}, session.now())); });
  return ExitCode::kOk;
}

// Policies in YAML are policy files, ready for apply.
absl::StatusOr<ExitCode> GetPolicies(Session& session, Client& client, const Flags& flags) {
  v1::GetPolicyRequest request;
  request.set_name(FullName("policies", flags.name));
  const auto get = [&] { return client.Call(&v1::PolicyService::Stub::GetPolicy, request); };
  const auto list = [&] {
    return ListPages(client, &v1::PolicyService::Stub::ListPolicies, v1::ListPoliciesRequest(),
                     &v1::ListPoliciesResponse::policies, 0);
  };
  if (session.output().format() != OutputFormat::kYaml) {
    return GetItems<v1::Policy>(session, flags, "policies", get, list, PolicyTable);
  }
  Listed<v1::Policy> listed;
  if (flags.name.empty()) {
    ASSIGN_OR_RETURN(listed, list());
  } else {
    ASSIGN_OR_RETURN(const v1::Policy policy, get());
    listed.items.push_back(policy);
  }
  for (size_t i = 0; i < listed.items.size(); ++i) {
    session.output().Text(absl::StrCat(i > 0 ? "---\n" : "", PolicyToYaml(listed.items[i])));
  }
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> GetRuns(Session& session, Client& client, const Flags& flags) {
  v1::GetRunRequest request;
  request.set_name(FullName("runs", flags.name));
  return GetItems<v1::Run>(
      session, flags, "runs", [&] { return client.Call(&v1::RunService::Stub::GetRun, request); },
      [&] {
        v1::ListRunsRequest past;
        LeaveOutThoseToCome(*past.mutable_filter());
        return ListPages(client, &v1::RunService::Stub::ListRuns, past, &v1::ListRunsResponse::runs,
                         flags.limit.Of(session));
      },
      RunTable);
}

absl::StatusOr<ExitCode> GetBackups(Session& session, Client& client, const Flags& flags) {
  v1::GetBackupRequest request;
  request.set_name(FullName("backups", flags.name));
  return GetItems<v1::Backup>(
      session, flags, "backups", [&] { return client.Call(&v1::BackupService::Stub::GetBackup, request); },
      [&] {
        return ListPages(client, &v1::BackupService::Stub::ListBackups, v1::ListBackupsRequest(),
                         &v1::ListBackupsResponse::backups, flags.limit.Of(session));
      },
      BackupTable);
}

absl::StatusOr<ExitCode> GetAgents(Session& session, Client& client, const Flags& flags) {
  v1::GetAgentRequest request;
  request.set_name(FullName("agents", flags.name));
  return GetItems<v1::Agent>(
      session, flags, "agents", [&] { return client.Call(&v1::AgentService::Stub::GetAgent, request); },
      [&] {
        return ListPages(client, &v1::AgentService::Stub::ListAgents, v1::ListAgentsRequest(),
                         &v1::ListAgentsResponse::agents, 0);
      },
      AgentTable);
}

absl::StatusOr<ExitCode> GetDatabases(Session& session, Client& client, const Flags& flags) {
  v1::GetDatabaseRequest request;
  if (!flags.name.empty()) {
    ASSIGN_OR_RETURN(const std::string name, ResolveDatabase(client, flags.name));
    request.set_name(name);
  }
  return GetItems<v1::Database>(
      session, flags, "databases", [&] { return client.Call(&v1::AgentService::Stub::GetDatabase, request); },
      [&] {
        return ListPages(client, &v1::AgentService::Stub::ListDatabases, v1::ListDatabasesRequest(),
                         &v1::ListDatabasesResponse::databases, 0);
      },
      DatabaseTable);
}

using Getter = absl::StatusOr<ExitCode> (*)(Session&, Client&, const Flags&);
struct Noun {
  const char* plural;
  const char* singular;
  Getter get;
};
constexpr Noun kNouns[] = {{"policies", "policy", GetPolicies},
                           {"runs", "run", GetRuns},
                           {"backups", "backup", GetBackups},
                           {"agents", "agent", GetAgents},
                           {"databases", "database", GetDatabases}};

absl::StatusOr<ExitCode> GetResources(Session& session, const Flags& flags) {
  std::vector<std::string> words;
  for (const Noun& noun : kNouns) {
    if (flags.noun == noun.plural || flags.noun == noun.singular) {
      ASSIGN_OR_RETURN(Client * client, session.client());
      return noun.get(session, *client, flags);
    }
    words.emplace_back(noun.plural);
  }
  std::string hint = absl::StrCat("there are ", absl::StrJoin(words, ", "));
  if (const std::string near = NearestWord(flags.noun, words); !near.empty()) {
    hint = absl::StrCat("did you mean ", near, "?");
  }
  return MakeError(absl::StatusCode::kInvalidArgument, "WRONG_USAGE",
                   absl::StrCat("\"", flags.noun, "\" is no kind of thing"), hint);
}

}  // namespace

void AddGetCommand(CommandTree& tree) {
  auto flags = std::make_shared<Flags>();
  CLI::App& leaf = tree.AddRootLeaf(
      "get",
      {"Print policies, runs, backups, agents or databases",
       "With -o yaml, policies come as the files that apply reads.",
       "backupctl get policies\nbackupctl get policy nightly -o yaml > nightly.yaml\nbackupctl get backups -o jsonl"},
      kPolicyGroup, [&session = tree.session(), flags] { return GetResources(session, *flags); });
  leaf.add_option("KIND", flags->noun, "policies, runs, backups, agents or databases")->required();
  leaf.add_option("NAME", flags->name, "only this one");
  flags->limit.AddFlag(leaf);
}

}  // namespace backup::ctl
