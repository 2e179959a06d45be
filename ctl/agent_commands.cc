// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "absl/strings/str_cat.h"
#include "base/proto_json.h"
#include "base/status_macros.h"
#include "base/units.h"
#include "ctl/commands.h"
#include "ctl/fleet_view.h"
#include "ctl/paging.h"
#include "ctl/short_name.h"

namespace backup::ctl {
namespace {

absl::StatusOr<ExitCode> List(Session& session) {
  ASSIGN_OR_RETURN(Client * client, session.client());
  ASSIGN_OR_RETURN(const Listed<v1::Agent> listed,
                   ListPages(*client, &v1::AgentService::Stub::ListAgents, v1::ListAgentsRequest(),
                             &v1::ListAgentsResponse::agents, 0));
  session.output().List("agents", Pointers(listed.items), [&] { return AgentTable(listed.items, session.now()); });
  if (listed.items.empty() && session.output().for_people()) {
    session.Say("no agents yet; enrol one with: backupctl agent enroll NAME");
  }
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Describe(Session& session, const std::string& name) {
  ASSIGN_OR_RETURN(Client * client, session.client());
  v1::GetAgentRequest request;
  request.set_name(FullName("agents", name));
  ASSIGN_OR_RETURN(const v1::Agent agent, client->Call(&v1::AgentService::Stub::GetAgent, request));
  std::vector<v1::Database> databases;
  if (session.output().for_people()) {
    v1::ListDatabasesRequest list;
    list.set_parent(agent.name());
    ASSIGN_OR_RETURN(Listed<v1::Database> listed, ListPages(*client, &v1::AgentService::Stub::ListDatabases, list,
                                                            &v1::ListDatabasesResponse::databases, 0));
    databases = std::move(listed.items);
  }
  session.output().Single(agent, [&] { return DescribeAgent(agent, databases, session.output(), session.now()); });
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Enroll(Session& session, const std::string& name, const std::string& ttl) {
  v1::CreateEnrollmentTokenRequest request;
  request.set_agent_id(ShortName(FullName("agents", name)));
  if (!ttl.empty()) {
    ASSIGN_OR_RETURN(const absl::Duration duration, backup::ParseDuration(ttl));
    *request.mutable_ttl() = ToProto(duration);
  }
  ASSIGN_OR_RETURN(Client * client, session.client());
  ASSIGN_OR_RETURN(const v1::EnrollmentToken token,
                   client->Call(&v1::AgentService::Stub::CreateEnrollmentToken, request));
  if (session.output().for_people() || session.output().format() == OutputFormat::kName) {
    session.output().Text(session.output().Paint(token.token(), Color::kNone) + "\n");
  } else {
    session.output().Single(token, nullptr);
  }
  session.Say(absl::StrCat("this token enrols agent ", ShortName(token.agent()), " once, until ",
                           FormatRfc3339(ToAbsl(token.expire_time())), "; keep it secret"));
  session.Say("next, on the database's host, put the token into a file that only its owner may read, and run:");
  session.Say("  backup-agent enroll --token-file FILE --state-dir /var/lib/backup-agent");
  session.Say("  backup-agent run --config /etc/backup-agent.yaml");
  return ExitCode::kOk;
}

}  // namespace

void AddAgentCommands(CommandTree& tree) {
  Session& session = tree.session();
  CLI::App& noun = tree.AddNoun("agent", "Agents beside the databases", kFleetGroup);
  tree.AddLeaf(noun, "list", {"List agents", "", "backupctl agent list"}, [&session] { return List(session); });

  auto described = std::make_shared<std::string>();
  tree.AddLeaf(noun, "describe",
               {"Show everything about one agent and its databases", "", "backupctl agent describe db1"},
               [&session, described] { return Describe(session, *described); })
      .add_option("AGENT", *described, "the agent's id")
      ->required();

  auto name = std::make_shared<std::string>();
  auto ttl = std::make_shared<std::string>();
  CLI::App& enroll =
      tree.AddLeaf(noun, "enroll",
                   {"Make a one-time token with which one agent can enrol",
                    "The token goes to stdout and holds all that the agent needs: the controller's address and CA.",
                    "umask 077; backupctl agent enroll db1 --ttl 10m > db1.token"},
                   [&session, name, ttl] { return Enroll(session, *name, *ttl); });
  enroll.add_option("AGENT", *name, "id of the new agent: 1 to 63 characters of [a-z0-9-]")->required();
  enroll.add_option("--ttl", *ttl, "how long the token may be used, 1m to 7d (default: 1h)")->type_name("DURATION");
}

}  // namespace backup::ctl
