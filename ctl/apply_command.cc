// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/errors.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "ctl/confirm.h"
#include "ctl/error_output.h"
#include "ctl/file_commands.h"
#include "ctl/policy_deletions.h"
#include "ctl/policy_plan.h"
#include "ctl/policy_source.h"
#include "ctl/short_name.h"

namespace backup::ctl {
namespace {

struct Flags {
  std::vector<std::string> files;
  std::vector<std::string> confirmed;
  bool dry_run = false;
};

struct Result {
  std::string name;
  std::string word;  // created, updated, unchanged, failed.
  Color color = Color::kNone;
  absl::Status status;
};

absl::Status Store(Client& client, const PlannedPolicy& plan) {
  v1::UpdatePolicyRequest request;
  *request.mutable_policy() = plan.document.policy;
  request.set_allow_missing(!plan.stored);
  request.set_confirm(plan.deletions.delete_count() > 0);
  // Refused when somebody changed it after it was compared.
  if (plan.stored) request.mutable_policy()->set_etag(plan.stored->etag());
  return client.Call(&v1::PolicyService::Stub::UpdatePolicy, request).status();
}

Result ApplyOne(Client& client, const PlannedPolicy& plan, bool dry_run) {
  Result result{plan.wanted.name(), "unchanged", Color::kDim, absl::OkStatus()};
  if (plan.change == PlannedPolicy::Change::kNone) return result;
  if (!dry_run) result.status = Store(client, plan);
  const bool create = plan.change == PlannedPolicy::Change::kCreate;
  result.word = create ? "created" : "updated";
  result.color = Color::kGreen;
  if (!result.status.ok()) {
    result.word = "failed";
    result.color = Color::kRed;
  }
  return result;
}

void Show(Session& session, const std::vector<Result>& results, bool dry_run) {
  nlohmann::ordered_json json = {{"policies", nlohmann::ordered_json::array()}};
  std::string names;
  std::string text;
  for (const Result& result : results) {
    json["policies"].push_back({{"name", result.name}, {"result", result.word}, {"dryRun", dry_run}});
    if (!result.status.ok()) json["policies"].back()["message"] = std::string(result.status.message());
    absl::StrAppend(&names, names.empty() ? "" : "\n", result.name);
    absl::StrAppend(
        &text, "policy ", session.output().Paint(ParsePolicyName(result.name).value_or(result.name), Color::kNone), " ",
        session.output().Paint(result.word, result.color), dry_run ? " (dry run: nothing was changed)" : "", "\n");
  }
  session.output().Value(json, names, [&] { return text; });
}

// What is as the file says, and perhaps not as its writer means.
void TellDoubts(Session& session, const PlannedPolicy& plan) {
  if (plan.change == PlannedPolicy::Change::kNone) return;
  if (const std::string doubt = NothingCoveredText(plan.wanted.name(), plan.deletions); !doubt.empty()) {
    session.Say(doubt);
  }
}

// Nothing is applied before everything that would be deleted was confirmed.
absl::Status ConfirmDeletions(Session& session, const PlannedPolicy& plan, const Flags& flags) {
  if (plan.deletions.delete_count() == 0) return absl::OkStatus();
  const std::string told = DeletionText(plan.wanted.name(), plan.deletions, session.output());
  for (const absl::string_view line : absl::StrSplit(told, '\n', absl::SkipEmpty())) session.Say(line);
  if (flags.dry_run) return absl::OkStatus();
  const std::string name = ShortName(plan.wanted.name());
  const bool given = std::any_of(flags.confirmed.begin(), flags.confirmed.end(),
                                 [&](const std::string& confirmed) { return ShortName(confirmed) == name; });
  const std::string act = absl::StrCat("let retention delete ", DeletionSum(plan.deletions), " by changing policy");
  return Confirm(session, act, name, given ? name : "");
}

absl::StatusOr<ExitCode> Apply(Session& session, const Flags& flags) {
  ASSIGN_OR_RETURN(std::vector<PolicyDocument> documents, LoadPolicies(flags.files, session.environment().in));
  ASSIGN_OR_RETURN(Client * client, session.client());
  // Everything is checked before anything is changed.
  ASSIGN_OR_RETURN(const std::vector<PlannedPolicy> plans, PlanPolicies(*client, std::move(documents)));
  for (const PlannedPolicy& plan : plans) {
    TellDoubts(session, plan);
    RETURN_IF_ERROR(ConfirmDeletions(session, plan, flags));
  }
  std::vector<Result> results;
  std::vector<absl::Status> errors;
  for (const PlannedPolicy& plan : plans) {
    results.push_back(ApplyOne(*client, plan, flags.dry_run));
    if (!results.back().status.ok()) errors.push_back(Annotate(results.back().status, plan.wanted.name()));
  }
  Show(session, results, flags.dry_run);
  if (errors.empty()) return ExitCode::kOk;
  if (errors.size() == plans.size()) return JoinErrors(errors);
  WriteError(JoinErrors(errors), session.error_style(), session.environment().err);
  return ExitCode::kPartial;
}

}  // namespace

void AddApplyCommand(CommandTree& tree) {
  auto flags = std::make_shared<Flags>();
  CLI::App& leaf = tree.AddRootLeaf(
      "apply",
      {"Make the stored policies as the files say",
       "All files are checked first: when anything is wrong, nothing is applied and the exit code is "
       "2. When the controller\n"
       "then takes some and refuses others, the exit code is 7. A change by which retention deletes backups that stay "
       "now wants\nthe policy's name typed, or given with --confirm.",
       "backupctl apply nightly.yaml\nbackupctl apply policies/ --dry-run\nbackupctl get policies -o "
       "yaml | backupctl apply -"},
      kPolicyGroup, [&session = tree.session(), flags] { return Apply(session, *flags); });
  AddFileArgument(leaf, flags->files);
  leaf.add_option("--confirm", flags->confirmed,
                  "a policy whose change lets retention delete backups that stay now; may be repeated")
      ->type_name("POLICY")
      ->allow_extra_args(false);
  leaf.add_flag("--dry-run", flags->dry_run, "check everything and tell what would change");
}

}  // namespace backup::ctl
