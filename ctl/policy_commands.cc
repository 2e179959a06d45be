// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/proto_json.h"
#include "base/status_macros.h"
#include "ctl/commands.h"
#include "ctl/confirm.h"
#include "ctl/paging.h"
#include "ctl/policy_choice.h"
#include "ctl/policy_view.h"
#include "ctl/short_name.h"
#include "ctl/time_argument.h"

namespace backup::ctl {
namespace {

absl::StatusOr<ExitCode> List(Session& session) {
  ASSIGN_OR_RETURN(Client * client, session.client());
  ASSIGN_OR_RETURN(const Listed<v1::Policy> listed,
                   ListPages(*client, &v1::PolicyService::Stub::ListPolicies, v1::ListPoliciesRequest(),
                             &v1::ListPoliciesResponse::policies, 0));
  session.output().List("policies", Pointers(listed.items), [&] { return PolicyTable(listed.items, session.now()); });
  if (listed.items.empty() && session.output().for_people()) {
    session.Say("no policies yet; write one (backupctl explain policy) and apply it with: backupctl apply FILE");
  }
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Describe(Session& session, const std::string& name) {
  ASSIGN_OR_RETURN(Client * client, session.client());
  v1::GetPolicyRequest request;
  request.set_name(FullName("policies", name));
  ASSIGN_OR_RETURN(const v1::Policy policy, client->Call(&v1::PolicyService::Stub::GetPolicy, request));
  session.output().Single(policy, [&] { return DescribePolicy(policy, session.output(), session.now()); });
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Pause(Session& session, const std::string& name) {
  ASSIGN_OR_RETURN(Client * client, session.client());
  v1::PausePolicyRequest request;
  request.set_name(FullName("policies", name));
  ASSIGN_OR_RETURN(const v1::Policy policy, client->Call(&v1::PolicyService::Stub::PausePolicy, request));
  session.output().Single(policy, [&] {
    return absl::StrCat("policy ", session.output().Paint(ShortName(policy.name()), Color::kNone),
                        " paused: due slots become SKIPPED\n");
  });
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Resume(Session& session, const std::string& name) {
  ASSIGN_OR_RETURN(Client * client, session.client());
  v1::ResumePolicyRequest request;
  request.set_name(FullName("policies", name));
  ASSIGN_OR_RETURN(const v1::Policy policy, client->Call(&v1::PolicyService::Stub::ResumePolicy, request));
  session.output().Single(policy, [&] {
    return absl::StrCat("policy ", session.output().Paint(ShortName(policy.name()), Color::kNone), " resumed\n");
  });
  return ExitCode::kOk;
}

struct PreviewFlags {
  std::string name;
  std::string file;
  int runs = 10;
  std::string from;
};

absl::StatusOr<ExitCode> Preview(Session& session, const PreviewFlags& flags) {
  v1::PreviewPolicyRequest request;
  PolicyDocument document;
  if (!flags.file.empty()) {
    ASSIGN_OR_RETURN(document, ChoosePolicyOfFile(session, flags.file, flags.name));
    *request.mutable_policy() = document.policy;
  } else if (flags.name.empty()) {
    return MakeError(absl::StatusCode::kInvalidArgument, "WRONG_USAGE", "policy preview wants a policy, or --file",
                     "name one of backupctl policy list");
  } else {
    request.set_name(FullName("policies", flags.name));
  }
  request.set_count(flags.runs);
  absl::Time from = session.now();
  if (!flags.from.empty()) {
    ASSIGN_OR_RETURN(from, ParseTimeArgument("--from", flags.from, session.now()));
  }
  *request.mutable_from_time() = ToProto(from);
  ASSIGN_OR_RETURN(Client * client, session.client());
  const absl::StatusOr<v1::PreviewPolicyResponse> preview =
      client->Call(&v1::PolicyService::Stub::PreviewPolicy, request);
  if (!preview.ok() && flags.file.empty()) return preview.status();
  // It looked for the name, which is left out.
  if (ErrorReason(preview.status()) == "INVALID_RESOURCE_NAME") return GivenPolicyNotKnown();
  if (!preview.ok()) return AtPlaceInFile(preview.status(), document);
  session.output().Single(*preview, [&] { return session.output().Layout(SlotTable(*preview, session.now())); });
  if (preview->paused() && session.output().for_people()) {
    session.Say("the policy is paused: until backupctl policy resume each of them is SKIPPED");
  }
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Delete(Session& session, const std::string& name, const std::string& confirm) {
  const std::string full_name = FullName("policies", name);
  RETURN_IF_ERROR(Confirm(session, "delete policy", ShortName(full_name), ShortName(confirm)));
  ASSIGN_OR_RETURN(Client * client, session.client());
  v1::DeletePolicyRequest request;
  request.set_name(full_name);
  RETURN_IF_ERROR(client->Call(&v1::PolicyService::Stub::DeletePolicy, request).status());
  session.output().Value({{"name", full_name}, {"result", "deleted"}}, full_name, [&] {
    return absl::StrCat("policy ", session.output().Paint(ShortName(full_name), Color::kNone),
                        " deleted; nothing new is due by it, what is due already still runs, and its backups stay\n");
  });
  return ExitCode::kOk;
}

}  // namespace

void AddPolicyCommands(CommandTree& tree) {
  Session& session = tree.session();
  CLI::App& noun =
      tree.AddNoun("policy", "Policies: which databases are backed up when, and what is kept", kPolicyGroup);
  tree.AddLeaf(noun, "list", {"List policies with their next slots", "", "backupctl policy list"},
               [&session] { return List(session); });

  const auto add = [&](const char* verb, CommandHelp help, auto act) -> CLI::App& {
    auto name = std::make_shared<std::string>();
    CLI::App& leaf = tree.AddLeaf(noun, verb, std::move(help), [&session, name, act] { return act(session, *name); });
    leaf.add_option("POLICY", *name, "the policy's name")->required();
    return leaf;
  };
  add("describe", {"Show everything about one policy", "", "backupctl policy describe nightly"}, Describe);
  auto preview = std::make_shared<PreviewFlags>();
  CLI::App& preview_leaf = tree.AddLeaf(
      noun, "preview",
      {"Show when a policy's next runs will be due, and what clock changes and notDuring do to them",
       "Each database starts up to the policy's jitter later. With --file: of a policy as a file has it, before it is "
       "applied.",
       "backupctl policy preview nightly\nbackupctl policy preview nightly --from 2027-03-25 --runs 5\nbackupctl "
       "policy "
       "preview --file nightly.yaml"},
      [&session, preview] { return Preview(session, *preview); });
  preview_leaf.add_option("POLICY", preview->name, "the policy's name; with --file: which of those in it");
  preview_leaf.add_option("--file", preview->file, "a policy file, or - for stdin")->type_name("FILE");
  preview_leaf.add_option("--runs", preview->runs, "how many (default: 10)")
      ->type_name("N")
      ->check(CLI::Range(1, 1000));
  preview_leaf.add_option("--from", preview->from, "slots later than this: a day, or RFC 3339 (default: now)")
      ->type_name("TIME");
  add("pause",
      {"Let due slots of a policy pass without a backup", "They become SKIPPED. backupctl backup run still works.",
       "backupctl policy pause nightly"},
      Pause);
  add("resume", {"End a pause", "", "backupctl policy resume nightly"}, Resume);
  auto confirm = std::make_shared<std::string>();
  add("delete",
      {"Take a policy and its future slots away; runs and backups stay",
       "Wants the name typed, or given with --confirm.", "backupctl policy delete nightly --confirm nightly"},
      [confirm](Session& s, const std::string& name) { return Delete(s, name, *confirm); })
      .add_option("--confirm", *confirm, "the policy's name again, to delete without a question")
      ->type_name("NAME");
}

}  // namespace backup::ctl
