// SPDX-License-Identifier: Apache-2.0
#include "server/api/agent_control_service.h"

#include "server/api/enroll.h"
#include "server/api/report.h"
#include "server/api/sync.h"
#include "server/api/unary_call.h"

namespace backup::server {

grpc::ServerUnaryReactor* AgentControlService::Enroll(grpc::CallbackServerContext* context,
                                                      const v1::EnrollRequest* request, v1::EnrollResponse* response) {
  return UnaryCall(api_, context, request, response, DoEnroll);
}

grpc::ServerUnaryReactor* AgentControlService::Sync(grpc::CallbackServerContext* context,
                                                    const v1::SyncRequest* request, v1::SyncResponse* response) {
  return StartSync(api_, context, *request, *response);
}

grpc::ServerUnaryReactor* AgentControlService::ReportProgress(grpc::CallbackServerContext* context,
                                                              const v1::ReportProgressRequest* request,
                                                              v1::ReportProgressResponse* response) {
  return UnaryCall(api_, context, request, response, DoReportProgress);
}

grpc::ServerUnaryReactor* AgentControlService::CompleteRun(grpc::CallbackServerContext* context,
                                                           const v1::CompleteRunRequest* request,
                                                           v1::CompleteRunResponse* response) {
  return UnaryCall(api_, context, request, response, DoCompleteRun);
}

grpc::ServerUnaryReactor* AgentControlService::UploadRunLog(grpc::CallbackServerContext* context,
                                                            const v1::UploadRunLogRequest* request,
                                                            v1::UploadRunLogResponse* response) {
  return UnaryCall(api_, context, request, response, DoUploadRunLog);
}

}  // namespace backup::server
