// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backup/v1/run_service.grpc.pb.h"
#include "server/api/api_context.h"

namespace backup::server {

// backup.v1.RunService. Errors as its .proto says. Thread-safe.
class RunService final : public v1::RunService::CallbackService {
 public:
  // Borrows `api`.
  explicit RunService(const ApiContext& api) : api_(api) {}

  grpc::ServerUnaryReactor* GetRun(grpc::CallbackServerContext* context, const v1::GetRunRequest* request,
                                   v1::Run* response) override;
  grpc::ServerUnaryReactor* ListRuns(grpc::CallbackServerContext* context, const v1::ListRunsRequest* request,
                                     v1::ListRunsResponse* response) override;
  grpc::ServerUnaryReactor* CreateRun(grpc::CallbackServerContext* context, const v1::CreateRunRequest* request,
                                      v1::Run* response) override;
  grpc::ServerUnaryReactor* CancelRun(grpc::CallbackServerContext* context, const v1::CancelRunRequest* request,
                                      v1::Run* response) override;
  grpc::ServerWriteReactor<v1::WatchRunResponse>* WatchRun(grpc::CallbackServerContext* context,
                                                           const v1::WatchRunRequest* request) override;
  grpc::ServerUnaryReactor* ListRunLogLines(grpc::CallbackServerContext* context,
                                            const v1::ListRunLogLinesRequest* request,
                                            v1::ListRunLogLinesResponse* response) override;

 private:
  const ApiContext& api_;
};

}  // namespace backup::server
