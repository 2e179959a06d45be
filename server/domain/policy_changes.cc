// SPDX-License-Identifier: Apache-2.0
#include "server/domain/policy_changes.h"

#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/proto_json.h"
#include "base/status_macros.h"
#include "server/domain/planning.h"
#include "server/domain/policy_rules.h"
#include "server/domain/run_state.h"

#include <google/protobuf/util/message_differencer.h>

namespace backup::server {
namespace {

// What a user may set, ready to be stored.
absl::StatusOr<v1::Policy> Normalize(const v1::Policy& policy) {
  v1::Policy normal;
  normal.set_name(policy.name());
  *normal.mutable_labels() = policy.labels();
  *normal.mutable_spec() = policy.spec();
  FillDefaults(*normal.mutable_spec());
  RETURN_IF_ERROR(ValidatePolicy(normal));
  return normal;
}

bool SameContent(const v1::Policy& a, const v1::Policy& b) {
  v1::Policy left;
  v1::Policy right;
  *left.mutable_labels() = a.labels();
  *left.mutable_spec() = a.spec();
  *right.mutable_labels() = b.labels();
  *right.mutable_spec() = b.spec();
  return google::protobuf::util::MessageDifferencer::Equals(left, right);
}

// Rows of slots that fell due by the old policy while nothing planned, and their events. ABORTED PLAN_INCOMPLETE while
// they are too many for one change.
absl::StatusOr<PolicyChange> PlanUnrecordedPast(const PolicyView& view, const ChangeContext& context) {
  PolicyChange past;
  if (!view.policy.has_value() || view.known_slots.empty()) {
    return past;
  }
  ASSIGN_OR_RETURN(PolicyChange plan, PlanRuns(view, context.now, *context.random));
  if (!plan.planned) {
    return MakeError(absl::StatusCode::kAborted, "PLAN_INCOMPLETE",
                     absl::StrCat("slots of ", view.policy->name(),
                                  " that fell due while the controller was away are still being recorded"),
                     "try again in a minute", {{"policy", view.policy->name()}});
  }
  for (v1::Run& run : plan.create_runs) {
    if (ToAbsl(run.slot_time()) <= context.now) past.create_runs.push_back(std::move(run));
  }
  for (v1::Event& event : plan.events) {
    if (event.type() != "RUN_REOPENED") past.events.push_back(std::move(event));
  }
  return past;
}

// Stores `policy` in the place of the view's, plans its rows, and says so in an event.
absl::StatusOr<PolicyChange> PutAndPlan(const PolicyView& view, v1::Policy policy, absl::string_view type,
                                        absl::string_view message, const ChangeContext& context) {
  *policy.mutable_create_time() = view.policy.has_value() ? view.policy->create_time() : ToProto(context.now);
  // Slots of the new schedule count from now on, not from when the old one was made.
  *policy.mutable_update_time() = ToProto(context.now);
  ASSIGN_OR_RETURN(PolicyChange past, PlanUnrecordedPast(view, context));
  PolicyView planned = view;
  planned.policy = policy;
  ASSIGN_OR_RETURN(PolicyChange change, PlanRuns(planned, context.now, *context.random));
  std::move(past.create_runs.begin(), past.create_runs.end(), std::back_inserter(change.create_runs));
  std::move(past.events.begin(), past.events.end(), std::back_inserter(change.events));
  change.put_policy = std::move(policy);
  change.events.push_back(MakeEvent(context.now, context.actor, change.put_policy->name(), type, message));
  return change;
}

absl::StatusOr<PolicyChange> SetPaused(const PolicyView& view, const std::string& name, bool paused,
                                       const ChangeContext& context) {
  if (!view.policy.has_value()) {
    return PolicyNotFound(name);
  }
  if (view.policy->spec().schedule().paused() == paused) {
    return PolicyChange();
  }
  v1::Policy policy = *view.policy;
  policy.mutable_spec()->mutable_schedule()->set_paused(paused);
  return PutAndPlan(view, std::move(policy), paused ? "POLICY_PAUSED" : "POLICY_RESUMED",
                    paused ? "due slots are skipped until it is resumed" : "slots run again from now on", context);
}

std::string CountsText(const PolicyChange& change) {
  return absl::StrCat(change.create_runs.size(), " runs planned, ", change.update_runs.size(), " changed, ",
                      change.withdraw_runs.size(), " withdrawn");
}

}  // namespace

absl::StatusOr<v1::Policy> PolicyToCreate(const std::optional<v1::Policy>& current,
                                          const v1::CreatePolicyRequest& request) {
  if (current.has_value()) {
    return PolicyAlreadyExists(request.policy().name());
  }
  return Normalize(request.policy());
}

absl::StatusOr<v1::Policy> PolicyToUpdate(const std::optional<v1::Policy>& current,
                                          const v1::UpdatePolicyRequest& request) {
  const v1::Policy& wanted = request.policy();
  if (!current.has_value()) {
    if (!request.allow_missing()) {
      return PolicyNotFound(wanted.name());
    }
    if (!wanted.etag().empty()) {
      return EtagMismatch(wanted.name());  // It was read, and has been deleted since.
    }
    return Normalize(wanted);
  }
  if (!wanted.etag().empty() && wanted.etag() != current->etag()) {
    return EtagMismatch(wanted.name());
  }
  ASSIGN_OR_RETURN(const v1::Policy merged, ApplyPolicyMask(*current, wanted, request.update_mask()));
  return Normalize(merged);
}

PolicyDecision CreatePolicyDecision(v1::CreatePolicyRequest request, ChangeContext context) {
  return [request = std::move(request),
          context = std::move(context)](const PolicyView& view) -> absl::StatusOr<PolicyChange> {
    ASSIGN_OR_RETURN(v1::Policy policy, PolicyToCreate(view.policy, request));
    return PutAndPlan(view, std::move(policy), "POLICY_CREATED", "created", context);
  };
}

PolicyDecision UpdatePolicyDecision(v1::UpdatePolicyRequest request, ChangeContext context) {
  return [request = std::move(request),
          context = std::move(context)](const PolicyView& view) -> absl::StatusOr<PolicyChange> {
    ASSIGN_OR_RETURN(v1::Policy policy, PolicyToUpdate(view.policy, request));
    if (view.policy.has_value() && SameContent(*view.policy, policy)) {
      return PolicyChange();
    }
    const bool created = !view.policy.has_value();
    ASSIGN_OR_RETURN(PolicyChange change, PutAndPlan(view, std::move(policy), "", "", context));
    change.events.back().set_type(created ? "POLICY_CREATED" : "POLICY_UPDATED");
    change.events.back().set_message(CountsText(change));
    return change;
  };
}

PolicyDecision DeletePolicyDecision(v1::DeletePolicyRequest request, ChangeContext context) {
  return [request = std::move(request),
          context = std::move(context)](const PolicyView& view) -> absl::StatusOr<PolicyChange> {
    if (!view.policy.has_value()) {
      return PolicyNotFound(request.name());
    }
    if (!request.etag().empty() && request.etag() != view.policy->etag()) {
      return EtagMismatch(request.name());
    }
    PolicyChange change;
    change.delete_policy = true;
    change.events.push_back(MakeEvent(context.now, context.actor, request.name(), "POLICY_DELETED",
                                      "its runs to come are withdrawn; backups stay"));
    return change;
  };
}

PolicyDecision PausePolicyDecision(std::string name, ChangeContext context) {
  return [name = std::move(name), context = std::move(context)](const PolicyView& view) {
    return SetPaused(view, name, true, context);
  };
}

PolicyDecision ResumePolicyDecision(std::string name, ChangeContext context) {
  return [name = std::move(name), context = std::move(context)](const PolicyView& view) {
    return SetPaused(view, name, false, context);
  };
}

PolicyDecision RecordingAgents(PolicyDecision decide, std::vector<std::string>* agents) {
  return [decide = std::move(decide), agents](const PolicyView& view) -> absl::StatusOr<PolicyChange> {
    ASSIGN_OR_RETURN(PolicyChange change, decide(view));
    std::set<std::string> touched;
    for (const v1::Run& run : change.create_runs) {
      touched.insert(AgentOf(run));
    }
    for (const v1::Run& run : change.update_runs) {
      touched.insert(AgentOf(run));
    }
    for (const v1::Run& run : change.reopen_runs) {
      touched.insert(AgentOf(run));
    }
    const std::set<std::string> withdrawn(change.withdraw_runs.begin(), change.withdraw_runs.end());
    for (const v1::Run& run : view.scheduled_runs) {
      if (change.delete_policy || withdrawn.contains(run.name())) {
        touched.insert(AgentOf(run));
      }
    }
    touched.erase("");
    agents->assign(touched.begin(), touched.end());
    return change;
  };
}

}  // namespace backup::server
