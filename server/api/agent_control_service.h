// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backup/v1/agent_control_service.grpc.pb.h"
#include "server/api/api_context.h"

namespace backup::server {

// backup.v1.AgentControlService: what agents say. Errors as its .proto says. Thread-safe.
class AgentControlService final : public v1::AgentControlService::CallbackService {
 public:
  // Borrows `api`.
  explicit AgentControlService(const ApiContext& api) : api_(api) {}

  grpc::ServerUnaryReactor* Enroll(grpc::CallbackServerContext* context, const v1::EnrollRequest* request,
                                   v1::EnrollResponse* response) override;
  grpc::ServerUnaryReactor* Sync(grpc::CallbackServerContext* context, const v1::SyncRequest* request,
                                 v1::SyncResponse* response) override;
  grpc::ServerUnaryReactor* ReportProgress(grpc::CallbackServerContext* context,
                                           const v1::ReportProgressRequest* request,
                                           v1::ReportProgressResponse* response) override;
  grpc::ServerUnaryReactor* CompleteRun(grpc::CallbackServerContext* context, const v1::CompleteRunRequest* request,
                                        v1::CompleteRunResponse* response) override;
  grpc::ServerUnaryReactor* UploadRunLog(grpc::CallbackServerContext* context, const v1::UploadRunLogRequest* request,
                                         v1::UploadRunLogResponse* response) override;

 private:
  const ApiContext& api_;
};

}  // namespace backup::server
