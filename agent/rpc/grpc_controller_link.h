// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "agent/controller_link.h"
#include "backup/v1/agent_control_service.grpc.pb.h"
#include "base/mutex.h"

namespace backup::agent {

// ControllerLink over gRPC with mutual TLS. After a call that did not reach the controller, or that it did not accept
// as ours, the next one dials anew with the identity that is on disk then: so it neither waits for gRPC's own back-off
// nor keeps a certificate or an address that was replaced.
class GrpcControllerLink : public ControllerLink {
 public:
  // `identity_directory` as for LoadIdentity; calls give its errors.
  explicit GrpcControllerLink(std::string identity_directory);

  absl::StatusOr<v1::SyncResponse> Sync(const v1::SyncRequest& request, absl::Duration timeout,
                                        Cancellation& cancellation) override;
  absl::StatusOr<v1::ReportProgressResponse> ReportProgress(const v1::ReportProgressRequest& request,
                                                            absl::Duration timeout,
                                                            Cancellation& cancellation) override;
  absl::StatusOr<v1::CompleteRunResponse> CompleteRun(const v1::CompleteRunRequest& request, absl::Duration timeout,
                                                      Cancellation& cancellation) override;
  absl::StatusOr<v1::UploadRunLogResponse> UploadRunLog(const v1::UploadRunLogRequest& request, absl::Duration timeout,
                                                        Cancellation& cancellation) override;

 private:
  using Stub = v1::AgentControlService::Stub;
  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                                const Request& request, absl::Duration timeout, Cancellation& cancellation);
  absl::StatusOr<std::shared_ptr<Stub>> Connect();
  // Drops `stub` unless another took its place.
  void Disconnect(const std::shared_ptr<Stub>& stub);

  const std::string identity_directory_;

  Mutex mu_;
  std::shared_ptr<Stub> stub_ ABSL_GUARDED_BY(mu_);  // Null until the next call dials.
};

}  // namespace backup::agent
