// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/proto_json.h"
#include "base/units.h"
#include "ctl/commands.h"

namespace backup::ctl {
namespace {

absl::StatusOr<ExitCode> Version(Session& session) {
  nlohmann::ordered_json json = {{"client", {{"version", BACKUPCTL_VERSION}}}};
  std::vector<Fact> facts = {{"backupctl", BACKUPCTL_VERSION}};
  const absl::StatusOr<Context> context = session.ChooseContext();
  std::string away;
  if (context.ok()) {
    const absl::StatusOr<Client*> client = session.client();
    absl::Status status = client.status();
    if (client.ok()) {
      const absl::StatusOr<v1::Controller> controller =
          (*client)->Call(&v1::FleetService::Stub::GetController, v1::GetControllerRequest());
      status = controller.status();
      if (controller.ok()) {
        json["controller"] = JsonTree(*controller);
        facts.push_back({"controller", absl::StrCat(controller->version(), " at ", context->controller)});
        facts.push_back({"catalog", absl::StrCat(controller->catalog(), ", schema ", controller->schema_version())});
      }
    }
    if (!status.ok()) away = absl::StrCat("the controller's version is not known: ", status.message());
  }
  session.output().Value(json, BACKUPCTL_VERSION, [&] { return LayOutFacts(facts, session.output().options().color); });
  if (!away.empty() && session.output().for_people()) session.Say(away);
  return ExitCode::kOk;
}

}  // namespace

void AddVersionCommand(CommandTree& tree) {
  tree.AddRootLeaf("version",
                   {"Print the version, and the controller's when it can be reached",
                    "Succeeds without a controller, too.", "backupctl version\nbackupctl version --timeout 1s -o json"},
                   kToolGroup, [&session = tree.session()] { return Version(session); });
}

}  // namespace backup::ctl
