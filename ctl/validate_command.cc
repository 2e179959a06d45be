// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <nlohmann/json.hpp>

#include "absl/strings/str_join.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "ctl/file_commands.h"
#include "ctl/policy_plan.h"
#include "ctl/policy_source.h"

namespace backup::ctl {
namespace {

struct Flags {
  std::vector<std::string> files;
  bool offline = false;
};

absl::StatusOr<ExitCode> Validate(Session& session, const Flags& flags) {
  ASSIGN_OR_RETURN(std::vector<PolicyDocument> documents, LoadPolicies(flags.files, session.environment().in));
  std::vector<std::string> names;
  nlohmann::ordered_json json = {{"policies", nlohmann::ordered_json::array()}};
  Table table{{{"POLICY"}, {"FILE"}, {"RESULT"}}, {}};
  for (const PolicyDocument& document : documents) {
    json["policies"].push_back({{"name", document.policy.name()}, {"file", document.file}, {"valid", true}});
    table.rows.push_back({ParsePolicyName(document.policy.name()).value_or(document.policy.name()),
                          document.Place("metadata.name"),
                          {flags.offline ? "well formed" : "valid", Color::kGreen}});
    names.push_back(document.policy.name());
  }
  if (!flags.offline) {
    ASSIGN_OR_RETURN(Client * client, session.client());
    RETURN_IF_ERROR(PlanPolicies(*client, std::move(documents)).status());
  }
  session.output().Value(json, absl::StrJoin(names, "\n"), [&] { return session.output().Layout(table); });
  return ExitCode::kOk;
}

}  // namespace

void AddValidateCommand(CommandTree& tree) {
  auto flags = std::make_shared<Flags>();
  CLI::App& leaf =
      tree.AddRootLeaf("validate",
                       {"Check policy files and change nothing",
                        "The form is checked here, everything else (schedules, time zones, retention) by the "
                        "controller. Errors name file,\n"
                        "line and column; exit code 2 when there is any.",
                        "backupctl validate nightly.yaml\nbackupctl validate --offline policies/"},
                       kPolicyGroup, [&session = tree.session(), flags] { return Validate(session, *flags); });
  AddFileArgument(leaf, flags->files);
  leaf.add_flag("--offline", flags->offline, "check the form only, without a controller");
}

}  // namespace backup::ctl
