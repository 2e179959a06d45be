// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "ctl/commands.h"
#include "ctl/fleet_view.h"
#include "ctl/paging.h"
#include "ctl/short_name.h"

namespace backup::ctl {
namespace {

struct Flags {
  std::string agent;
  bool uncovered = false;
};

absl::StatusOr<ExitCode> List(Session& session, const Flags& flags) {
  ASSIGN_OR_RETURN(Client * client, session.client());
  v1::ListDatabasesRequest request;
  if (!flags.agent.empty()) request.set_parent(FullName("agents", flags.agent));
  ASSIGN_OR_RETURN(Listed<v1::Database> listed, ListPages(*client, &v1::AgentService::Stub::ListDatabases, request,
                                                          &v1::ListDatabasesResponse::databases, 0));
  std::vector<v1::Database>& databases = listed.items;
  const auto covered = [](const v1::Database& database) { return !database.policies().empty(); };
  const auto uncovered_count = databases.size() - std::count_if(databases.begin(), databases.end(), covered);
  if (flags.uncovered) databases.erase(std::remove_if(databases.begin(), databases.end(), covered), databases.end());
  session.output().List("databases", Pointers(databases), [&] { return DatabaseTable(databases, session.now()); });
  if (!session.output().for_people()) return ExitCode::kOk;
  if (databases.empty()) {
    session.Say(flags.uncovered ? "every database is covered by a policy"
                                : "no databases; agents name them in their configuration files");
  } else if (uncovered_count > 0) {
    session.Say(absl::StrCat(uncovered_count, uncovered_count == 1 ? " database is" : " databases are",
                             " covered by no policy: nobody backs them up"));
  }
  return ExitCode::kOk;
}

}  // namespace

void AddDatabaseCommands(CommandTree& tree) {
  CLI::App& noun = tree.AddNoun("database", "Databases that the agents may back up", kFleetGroup);
  auto flags = std::make_shared<Flags>();
  CLI::App& leaf = tree.AddLeaf(noun, "list",
                                {"List databases, with the policies that cover them", "",
                                 "backupctl database list\nbackupctl database list --uncovered"},
                                [&session = tree.session(), flags] { return List(session, *flags); });
  leaf.add_option("--agent", flags->agent, "only databases of this agent")->type_name("AGENT");
  leaf.add_flag("--uncovered", flags->uncovered, "only databases that no policy covers");
}

}  // namespace backup::ctl
