// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backup/v1/policy_service.grpc.pb.h"
#include "server/api/api_context.h"

namespace backup::server {

// backup.v1.PolicyService. Errors as its .proto says. Thread-safe.
class PolicyService final : public v1::PolicyService::CallbackService {
 public:
  // Borrows `api`.
  explicit PolicyService(const ApiContext& api) : api_(api) {}

  grpc::ServerUnaryReactor* GetPolicy(grpc::CallbackServerContext* context, const v1::GetPolicyRequest* request,
                                      v1::Policy* response) override;
  grpc::ServerUnaryReactor* ListPolicies(grpc::CallbackServerContext* context, const v1::ListPoliciesRequest* request,
                                         v1::ListPoliciesResponse* response) override;
  grpc::ServerUnaryReactor* CreatePolicy(grpc::CallbackServerContext* context, const v1::CreatePolicyRequest* request,
                                         v1::Policy* response) override;
  grpc::ServerUnaryReactor* UpdatePolicy(grpc::CallbackServerContext* context, const v1::UpdatePolicyRequest* request,
                                         v1::Policy* response) override;
  grpc::ServerUnaryReactor* DeletePolicy(grpc::CallbackServerContext* context, const v1::DeletePolicyRequest* request,
                                         google::protobuf::Empty* response) override;
  grpc::ServerUnaryReactor* PausePolicy(grpc::CallbackServerContext* context, const v1::PausePolicyRequest* request,
                                        v1::Policy* response) override;
  grpc::ServerUnaryReactor* ResumePolicy(grpc::CallbackServerContext* context, const v1::ResumePolicyRequest* request,
                                         v1::Policy* response) override;
  grpc::ServerUnaryReactor* PreviewPolicy(grpc::CallbackServerContext* context, const v1::PreviewPolicyRequest* request,
                                          v1::PreviewPolicyResponse* response) override;
  grpc::ServerUnaryReactor* PlanPolicyChange(grpc::CallbackServerContext* context,
                                             const v1::PlanPolicyChangeRequest* request,
                                             v1::PolicyChangePlan* response) override;

 private:
  const ApiContext& api_;
};

}  // namespace backup::server
