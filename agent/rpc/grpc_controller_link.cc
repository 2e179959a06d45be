// SPDX-License-Identifier: Apache-2.0
#include "agent/rpc/grpc_controller_link.h"

#include <chrono>
#include <utility>

#include "agent/rpc/identity.h"
#include "base/rpc/grpc_status.h"
#include "base/rpc/tls.h"
#include "base/status_macros.h"

namespace backup::agent {

GrpcControllerLink::GrpcControllerLink(std::string identity_directory)
    : identity_directory_(std::move(identity_directory)) {}

absl::StatusOr<std::shared_ptr<GrpcControllerLink::Stub>> GrpcControllerLink::Connect() {
  MutexLock lock(mu_);
  if (stub_ == nullptr) {
    ASSIGN_OR_RETURN(const Identity identity, LoadIdentity(identity_directory_));
    stub_ = v1::AgentControlService::NewStub(CreateTlsChannel(identity.controller_address, identity.tls));
  }
  return stub_;
}

void GrpcControllerLink::Disconnect(const std::shared_ptr<Stub>& stub) {
  MutexLock lock(mu_);
  if (stub_ == stub) {
    stub_.reset();
  }
}

template <typename Request, typename Response>
absl::StatusOr<Response> GrpcControllerLink::Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                                               Response*),
                                                  const Request& request, absl::Duration timeout,
                                                  Cancellation& cancellation) {
  ASSIGN_OR_RETURN(const std::shared_ptr<Stub> stub, Connect());
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoMicroseconds(timeout));
  const Cancellation::Registration on_cancel(cancellation, [&context] { context.TryCancel(); });
  Response response;
  const absl::Status status = FromGrpcStatus((stub.get()->*method)(&context, request, &response));
  if (status.ok()) {
    return response;
  }
  if (absl::IsUnavailable(status) || absl::IsUnauthenticated(status) ||
      (absl::IsDeadlineExceeded(status) && !cancellation.cancelled())) {
    Disconnect(stub);
  }
  return status;
}

absl::StatusOr<v1::SyncResponse> GrpcControllerLink::Sync(const v1::SyncRequest& request, absl::Duration timeout,
                                                          Cancellation& cancellation) {
  return Call(&Stub::Sync, request, timeout, cancellation);
}

absl::StatusOr<v1::ReportProgressResponse> GrpcControllerLink::ReportProgress(const v1::ReportProgressRequest& request,
                                                                              absl::Duration timeout,
                                                                              Cancellation& cancellation) {
  return Call(&Stub::ReportProgress, request, timeout, cancellation);
}

absl::StatusOr<v1::CompleteRunResponse> GrpcControllerLink::CompleteRun(const v1::CompleteRunRequest& request,
                                                                        absl::Duration timeout,
                                                                        Cancellation& cancellation) {
  return Call(&Stub::CompleteRun, request, timeout, cancellation);
}

absl::StatusOr<v1::UploadRunLogResponse> GrpcControllerLink::UploadRunLog(const v1::UploadRunLogRequest& request,
                                                                          absl::Duration timeout,
                                                                          Cancellation& cancellation) {
  return Call(&Stub::UploadRunLog, request, timeout, cancellation);
}

}  // namespace backup::agent
