// SPDX-License-Identifier: Apache-2.0
#include "ctl/policy_plan.h"

#include <utility>

#include "base/errors.h"
#include "base/status_macros.h"
#include "ctl/policy_yaml.h"

namespace backup::ctl {
namespace {

absl::StatusOr<std::optional<v1::Policy>> FindStored(Client& client, const std::string& name) {
  v1::GetPolicyRequest request;
  request.set_name(name);
  absl::StatusOr<v1::Policy> policy = client.Call(&v1::PolicyService::Stub::GetPolicy, request);
  if (policy.ok()) return std::optional<v1::Policy>(*std::move(policy));
  if (ErrorReason(policy.status()) == "POLICY_NOT_FOUND") return std::optional<v1::Policy>();
  return policy.status();
}

absl::StatusOr<v1::PolicyChangePlan> PlanDeletions(Client& client, const v1::Policy& policy) {
  v1::PlanPolicyChangeRequest request;
  *request.mutable_policy() = policy;
  absl::StatusOr<v1::PolicyChangePlan> plan = client.Call(&v1::PolicyService::Stub::PlanPolicyChange, request);
  // A controller that does not know the question deletes nothing.
  if (absl::IsUnimplemented(plan.status())) return v1::PolicyChangePlan();
  return plan;
}

}  // namespace

absl::StatusOr<std::vector<PlannedPolicy>> PlanPolicies(Client& client, std::vector<PolicyDocument> documents) {
  std::vector<PlannedPolicy> plans;
  std::vector<absl::Status> errors;
  for (PolicyDocument& document : documents) {
    PlannedPolicy plan;
    ASSIGN_OR_RETURN(plan.stored, FindStored(client, document.policy.name()));
    if (plan.stored && !document.Has("spec.schedule.paused") && plan.stored->spec().schedule().paused()) {
      document.policy.mutable_spec()->mutable_schedule()->set_paused(true);
    }
    v1::UpdatePolicyRequest request;
    *request.mutable_policy() = document.policy;
    request.set_allow_missing(true);
    request.set_validate_only(true);
    absl::StatusOr<v1::Policy> wanted = client.Call(&v1::PolicyService::Stub::UpdatePolicy, request);
    if (wanted.status().code() == absl::StatusCode::kInvalidArgument) {
      errors.push_back(AtPlaceInFile(wanted.status(), document));
      continue;
    }
    RETURN_IF_ERROR(wanted.status());
    plan.wanted = *std::move(wanted);
    if (!plan.stored) {
      plan.change = PlannedPolicy::Change::kCreate;
    } else if (PolicyToYaml(*plan.stored) != PolicyToYaml(plan.wanted)) {
      plan.change = PlannedPolicy::Change::kUpdate;
    }
    if (plan.change != PlannedPolicy::Change::kNone) {
      ASSIGN_OR_RETURN(plan.deletions, PlanDeletions(client, document.policy));
    }
    plan.document = std::move(document);
    plans.push_back(std::move(plan));
  }
  RETURN_IF_ERROR(JoinErrors(errors));
  return plans;
}

}  // namespace backup::ctl
