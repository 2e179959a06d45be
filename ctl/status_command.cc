// SPDX-License-Identifier: Apache-2.0
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/proto_json.h"
#include "base/status_macros.h"
#include "base/units.h"
#include "ctl/commands.h"
#include "ctl/short_name.h"
#include "ctl/status_view.h"

namespace backup::ctl {
namespace {

absl::StatusOr<ExitCode> Status(Session& session) {
  ASSIGN_OR_RETURN(Client * client, session.client());
  ASSIGN_OR_RETURN(const v1::FleetStatus status,
                   client->Call(&v1::FleetService::Stub::GetFleetStatus, v1::GetFleetStatusRequest()));
  Output& output = session.output();
  if (output.format() == OutputFormat::kName) {
    for (const v1::DatabaseStatus& entry : status.databases()) output.Text(entry.database().name() + "\n");
    if (const std::string rest = DatabasesLeftOut(status); !rest.empty()) session.Say(rest);
    return ExitCode::kOk;
  }
  output.Single(status, [&] { return StatusText(status, output, session.now()); });
  if (output.for_people()) {
    if (const std::string next = NextStep(status); !next.empty()) session.Say(next);
  }
  return ExitCode::kOk;
}

}  // namespace

void AddStatusCommand(CommandTree& tree) {
  tree.AddRootLeaf(
      "status",
      {"Show every database with its newest good backup, the worst first",
       "Then the agents, the runs that work now, and how many of the due runs of the last 24 hours succeeded.",
       "backupctl status\nbackupctl status -o json"},
      kWatchGroup, [&session = tree.session()] { return Status(session); });
}

}  // namespace backup::ctl
