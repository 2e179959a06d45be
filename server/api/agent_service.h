// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backup/v1/agent_service.grpc.pb.h"
#include "server/api/api_context.h"

namespace backup::server {

// backup.v1.AgentService. Errors as its .proto says. Thread-safe.
class AgentService final : public v1::AgentService::CallbackService {
 public:
  // Borrows `api`.
  explicit AgentService(const ApiContext& api) : api_(api) {}

  grpc::ServerUnaryReactor* GetAgent(grpc::CallbackServerContext* context, const v1::GetAgentRequest* request,
                                     v1::Agent* response) override;
  grpc::ServerUnaryReactor* ListAgents(grpc::CallbackServerContext* context, const v1::ListAgentsRequest* request,
                                       v1::ListAgentsResponse* response) override;
  grpc::ServerUnaryReactor* GetDatabase(grpc::CallbackServerContext* context, const v1::GetDatabaseRequest* request,
                                        v1::Database* response) override;
  grpc::ServerUnaryReactor* ListDatabases(grpc::CallbackServerContext* context, const v1::ListDatabasesRequest* request,
                                          v1::ListDatabasesResponse* response) override;
  grpc::ServerUnaryReactor* CreateEnrollmentToken(grpc::CallbackServerContext* context,
                                                  const v1::CreateEnrollmentTokenRequest* request,
                                                  v1::EnrollmentToken* response) override;

 private:
  const ApiContext& api_;
};

}  // namespace backup::server
