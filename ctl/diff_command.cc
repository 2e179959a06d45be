// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "ctl/file_commands.h"
#include "ctl/policy_deletions.h"
#include "ctl/policy_plan.h"
#include "ctl/policy_source.h"
#include "ctl/policy_yaml.h"
#include "ctl/text_diff.h"

namespace backup::ctl {
namespace {

std::string Painted(const Output& output, const std::string& diff) {
  std::string out;
  for (absl::string_view line : absl::StrSplit(diff, '\n', absl::SkipEmpty())) {
    Color color = Color::kNone;
    if (absl::StartsWith(line, "---") || absl::StartsWith(line, "+++")) {
      color = Color::kBold;
    } else if (absl::StartsWith(line, "@@")) {
      color = Color::kBlue;
    } else if (absl::StartsWith(line, "-")) {
      color = Color::kRed;
    } else if (absl::StartsWith(line, "+")) {
      color = Color::kGreen;
    }
    absl::StrAppend(&out, output.Paint(line, color), "\n");
  }
  return out;
}

const char* WordOf(PlannedPolicy::Change change) {
  switch (change) {
    case PlannedPolicy::Change::kCreate:
      return "new";
    case PlannedPolicy::Change::kUpdate:
      return "changed";
    case PlannedPolicy::Change::kNone:
      break;
  }
  return "same";
}

absl::StatusOr<ExitCode> Diff(Session& session, const std::vector<std::string>& files) {
  ASSIGN_OR_RETURN(std::vector<PolicyDocument> documents, LoadPolicies(files, session.environment().in));
  ASSIGN_OR_RETURN(Client * client, session.client());
  ASSIGN_OR_RETURN(const std::vector<PlannedPolicy> plans, PlanPolicies(*client, std::move(documents)));
  std::string text;
  std::vector<std::string> changed;
  nlohmann::ordered_json json = {{"policies", nlohmann::ordered_json::array()}};
  for (const PlannedPolicy& plan : plans) {
    const std::string& name = plan.wanted.name();
    const std::string diff = UnifiedDiff(plan.stored ? PolicyToYaml(*plan.stored) : "", PolicyToYaml(plan.wanted),
                                         plan.stored ? absl::StrCat("stored ", name) : "/dev/null", plan.document.file);
    json["policies"].push_back({{"name", name}, {"change", WordOf(plan.change)}, {"diff", diff}});
    if (plan.deletions.delete_count() > 0) json["policies"].back()["deletes"] = DeletionJson(plan.deletions);
    absl::StrAppend(&text, Painted(session.output(), diff), DeletionText(name, plan.deletions, session.output()));
    if (!diff.empty()) {
      changed.push_back(name);
      if (const std::string doubt = NothingCoveredText(name, plan.deletions); !doubt.empty()) {
        absl::StrAppend(&text, session.output().Paint(doubt, Color::kYellow), "\n");
      }
    }
  }
  if (session.output().format() == OutputFormat::kName) {
    for (const std::string& name : changed) session.output().Text(name + "\n");
  } else {
    session.output().Value(json, "", [&] { return text; });
  }
  return changed.empty() ? ExitCode::kOk : ExitCode::kFailed;
}

}  // namespace

void AddDiffCommand(CommandTree& tree) {
  auto files = std::make_shared<std::vector<std::string>>();
  CLI::App& leaf =
      tree.AddRootLeaf("diff",
                       {"Show what apply would change",
                        "Compares what is stored with what would be stored, defaults filled in, and says which "
                        "backups retention\nwould delete that stay now. Exit code 0: nothing; 1: something "
                        "differs.",
                        "backupctl diff nightly.yaml"},
                       kPolicyGroup, [&session = tree.session(), files] { return Diff(session, *files); });
  AddFileArgument(leaf, *files);
}

}  // namespace backup::ctl
