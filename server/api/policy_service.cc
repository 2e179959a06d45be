// SPDX-License-Identifier: Apache-2.0
#include "server/api/policy_service.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "base/proto_json.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "server/api/find_policy.h"
#include "server/api/paging.h"
#include "server/api/policy_change_plan.h"
#include "server/api/unary_call.h"
#include "server/domain/policy_changes.h"
#include "server/domain/slot_preview.h"

namespace backup::server {
namespace {

constexpr int kDefaultPreviewCount = 10;

ChangeContext MakeChangeContext(const ApiContext& api, const Peer& peer) {
  return {peer.ToString(), api.clock.Now(), &api.random};
}

// Applies the decision, and tells the agents whose runs it changed and the scheduler, which may have a sooner slot to
// wait for.
absl::Status Change(const ApiContext& api, const std::string& name, absl::Time now, PolicyDecision decide,
                    v1::Policy* stored) {
  std::vector<std::string> agents;
  ASSIGN_OR_RETURN(v1::Policy policy, api.store.ChangePolicy(name, now, RecordingAgents(std::move(decide), &agents)));
  for (const std::string& agent : agents) {
    api.feed.Publish(agent);
  }
  api.plan();
  if (stored != nullptr) {
    *stored = std::move(policy);
  }
  return absl::OkStatus();
}

absl::Status DoGetPolicy(const ApiContext& api, const Peer&, const v1::GetPolicyRequest& request,
                         v1::Policy& response) {
  RETURN_IF_ERROR(ParsePolicyName(request.name()).status());
  ASSIGN_OR_RETURN(response, api.store.GetPolicy(request.name()));
  return absl::OkStatus();
}

absl::Status DoListPolicies(const ApiContext& api, const Peer&, const v1::ListPoliciesRequest& request,
                            v1::ListPoliciesResponse& response) {
  ASSIGN_OR_RETURN(const PageRequest page_request, ToPageRequest(request.page_size(), request.page_token()));
  ASSIGN_OR_RETURN(Page<v1::Policy> page, api.store.ListPolicies(page_request));
  MovePage(page, response.mutable_policies(), response.mutable_next_page_token());
  return absl::OkStatus();
}

absl::Status DoCreatePolicy(const ApiContext& api, const Peer& peer, const v1::CreatePolicyRequest& request,
                            v1::Policy& response) {
  const std::string& name = request.policy().name();
  if (request.validate_only()) {
    ASSIGN_OR_RETURN(const std::optional<v1::Policy> current, FindPolicy(api.store, name));
    ASSIGN_OR_RETURN(response, PolicyToCreate(current, request));
    return absl::OkStatus();
  }
  const ChangeContext context = MakeChangeContext(api, peer);
  if (!request.confirm()) {
    ASSIGN_OR_RETURN(const std::optional<v1::Policy> current, FindPolicy(api.store, name));
    ASSIGN_OR_RETURN(const v1::Policy wanted, PolicyToCreate(current, request));
    RETURN_IF_ERROR(CheckNothingGoes(api.store, current, wanted, context.now));
  }
  return Change(api, name, context.now, CreatePolicyDecision(request, context), &response);
}

absl::Status DoUpdatePolicy(const ApiContext& api, const Peer& peer, const v1::UpdatePolicyRequest& request,
                            v1::Policy& response) {
  const std::string& name = request.policy().name();
  if (request.validate_only()) {
    ASSIGN_OR_RETURN(const std::optional<v1::Policy> current, FindPolicy(api.store, name));
    ASSIGN_OR_RETURN(response, PolicyToUpdate(current, request));
    return absl::OkStatus();
  }
  const ChangeContext context = MakeChangeContext(api, peer);
  if (!request.confirm()) {
    ASSIGN_OR_RETURN(const std::optional<v1::Policy> current, FindPolicy(api.store, name));
    ASSIGN_OR_RETURN(const v1::Policy wanted, PolicyToUpdate(current, request));
    RETURN_IF_ERROR(CheckNothingGoes(api.store, current, wanted, context.now));
  }
  return Change(api, name, context.now, UpdatePolicyDecision(request, context), &response);
}

absl::Status DoDeletePolicy(const ApiContext& api, const Peer& peer, const v1::DeletePolicyRequest& request,
                            google::protobuf::Empty&) {
  RETURN_IF_ERROR(ParsePolicyName(request.name()).status());
  const ChangeContext context = MakeChangeContext(api, peer);
  return Change(api, request.name(), context.now, DeletePolicyDecision(request, context), nullptr);
}

absl::Status DoPausePolicy(const ApiContext& api, const Peer& peer, const v1::PausePolicyRequest& request,
                           v1::Policy& response) {
  RETURN_IF_ERROR(ParsePolicyName(request.name()).status());
  const ChangeContext context = MakeChangeContext(api, peer);
  return Change(api, request.name(), context.now, PausePolicyDecision(request.name(), context), &response);
}

absl::Status DoResumePolicy(const ApiContext& api, const Peer& peer, const v1::ResumePolicyRequest& request,
                            v1::Policy& response) {
  RETURN_IF_ERROR(ParsePolicyName(request.name()).status());
  const ChangeContext context = MakeChangeContext(api, peer);
  return Change(api, request.name(), context.now, ResumePolicyDecision(request.name(), context), &response);
}

absl::Status DoPlanPolicyChange(const ApiContext& api, const Peer&, const v1::PlanPolicyChangeRequest& request,
                                v1::PolicyChangePlan& response) {
  ASSIGN_OR_RETURN(const std::optional<v1::Policy> current, FindPolicy(api.store, request.policy().name()));
  ASSIGN_OR_RETURN(const v1::Policy wanted, PolicyAsGiven(api.store, request.policy()));
  ASSIGN_OR_RETURN(response, ReadPolicyChangePlan(api.store, current, wanted, api.clock.Now()));
  ASSIGN_OR_RETURN(const int64_t covered, CountCovered(api.store, wanted.spec()));
  response.set_covered_count(covered);
  return absl::OkStatus();
}

absl::StatusOr<v1::Policy> PolicyToPreview(const ApiContext& api, const v1::PreviewPolicyRequest& request) {
  if (request.has_policy()) {
    if (!request.name().empty()) return InvalidField("name", "a policy is given: leave this out");
    return PolicyAsGiven(api.store, request.policy());
  }
  RETURN_IF_ERROR(ParsePolicyName(request.name()).status());
  return api.store.GetPolicy(request.name());
}

absl::Status DoPreviewPolicy(const ApiContext& api, const Peer&, const v1::PreviewPolicyRequest& request,
                             v1::PreviewPolicyResponse& response) {
  ASSIGN_OR_RETURN(const int count, ToPageSize(request.count(), kDefaultPreviewCount));
  ASSIGN_OR_RETURN(const v1::Policy policy, PolicyToPreview(api, request));
  const absl::Time from = request.has_from_time() ? ToAbsl(request.from_time()) : api.clock.Now();
  ASSIGN_OR_RETURN(const std::vector<server::PreviewedSlot> slots, PreviewSlots(policy.spec().schedule(), from, count));
  for (const server::PreviewedSlot& slot : slots) {
    v1::PreviewedSlot& previewed = *response.add_slots();
    *previewed.mutable_slot_time() = ToProto(slot.slot_time);
    previewed.set_wall_clock(slot.local_time);
    previewed.set_note(slot.note);
  }
  response.set_paused(policy.spec().schedule().paused());
  return absl::OkStatus();
}

}  // namespace

grpc::ServerUnaryReactor* PolicyService::GetPolicy(grpc::CallbackServerContext* context,
                                                   const v1::GetPolicyRequest* request, v1::Policy* response) {
  return UnaryCall(api_, context, request, response, DoGetPolicy);
}

grpc::ServerUnaryReactor* PolicyService::ListPolicies(grpc::CallbackServerContext* context,
                                                      const v1::ListPoliciesRequest* request,
                                                      v1::ListPoliciesResponse* response) {
  return UnaryCall(api_, context, request, response, DoListPolicies);
}

grpc::ServerUnaryReactor* PolicyService::CreatePolicy(grpc::CallbackServerContext* context,
                                                      const v1::CreatePolicyRequest* request, v1::Policy* response) {
  return UnaryCall(api_, context, request, response, DoCreatePolicy);
}

grpc::ServerUnaryReactor* PolicyService::UpdatePolicy(grpc::CallbackServerContext* context,
                                                      const v1::UpdatePolicyRequest* request, v1::Policy* response) {
  return UnaryCall(api_, context, request, response, DoUpdatePolicy);
}

grpc::ServerUnaryReactor* PolicyService::DeletePolicy(grpc::CallbackServerContext* context,
                                                      const v1::DeletePolicyRequest* request,
                                                      google::protobuf::Empty* response) {
  return UnaryCall(api_, context, request, response, DoDeletePolicy);
}

grpc::ServerUnaryReactor* PolicyService::PausePolicy(grpc::CallbackServerContext* context,
                                                     const v1::PausePolicyRequest* request, v1::Policy* response) {
  return UnaryCall(api_, context, request, response, DoPausePolicy);
}

grpc::ServerUnaryReactor* PolicyService::ResumePolicy(grpc::CallbackServerContext* context,
                                                      const v1::ResumePolicyRequest* request, v1::Policy* response) {
  return UnaryCall(api_, context, request, response, DoResumePolicy);
}

grpc::ServerUnaryReactor* PolicyService::PreviewPolicy(grpc::CallbackServerContext* context,
                                                       const v1::PreviewPolicyRequest* request,
                                                       v1::PreviewPolicyResponse* response) {
  return UnaryCall(api_, context, request, response, DoPreviewPolicy);
}

grpc::ServerUnaryReactor* PolicyService::PlanPolicyChange(grpc::CallbackServerContext* context,
                                                          const v1::PlanPolicyChangeRequest* request,
                                                          v1::PolicyChangePlan* response) {
  return UnaryCall(api_, context, request, response, DoPlanPolicyChange);
}

}  // namespace backup::server
