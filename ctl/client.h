// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>
#include <tuple>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "backup/v1/agent_service.grpc.pb.h"
#include "backup/v1/backup_service.grpc.pb.h"
#include "backup/v1/fleet_service.grpc.pb.h"
#include "backup/v1/policy_service.grpc.pb.h"
#include "backup/v1/report_service.grpc.pb.h"
#include "backup/v1/run_service.grpc.pb.h"
#include "base/cancellation.h"

namespace backup::ctl {

// The controller's services at the other end of one channel. Every call has a deadline and ends when `interrupt` is
// cancelled. Errors are those of the services, and besides UNAVAILABLE CONTROLLER_UNREACHABLE, DEADLINE_EXCEEDED
// CONTROLLER_TIMEOUT and CANCELLED INTERRUPTED, each with what to do next.
class Client {
 public:
  // `address` is for messages. Borrows `interrupt`.
  Client(std::shared_ptr<grpc::Channel> channel, std::string address, absl::Duration timeout, Cancellation& interrupt);

  // One unary call: client.Call(&v1::PolicyService::Stub::GetPolicy, request).
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                                const Request& request) {
    Stub* stub = std::get<std::unique_ptr<Stub>>(stubs_).get();
    Response response;
    absl::Status status =
        Perform([&](grpc::ClientContext& context) { return (stub->*method)(&context, request, &response); });
    if (!status.ok()) return status;
    return response;
  }

  // Reads a stream until `on_response` returns false (then OK), the stream ends (OK when the server says so), it fails,
  // or `deadline` from now has passed (CONTROLLER_TIMEOUT).
  absl::Status WatchRun(const v1::WatchRunRequest& request, absl::Duration deadline,
                        const std::function<bool(const v1::WatchRunResponse&)>& on_response);

  const std::string& address() const { return address_; }
  Cancellation& interrupt() { return interrupt_; }

 private:
  absl::Status Perform(const std::function<grpc::Status(grpc::ClientContext&)>& call);
  absl::Status ToStatus(const grpc::Status& status) const;

  const std::string address_;
  const absl::Duration timeout_;
  Cancellation& interrupt_;
  std::tuple<std::unique_ptr<v1::PolicyService::Stub>, std::unique_ptr<v1::RunService::Stub>,
             std::unique_ptr<v1::BackupService::Stub>, std::unique_ptr<v1::AgentService::Stub>,
             std::unique_ptr<v1::FleetService::Stub>, std::unique_ptr<v1::ReportService::Stub>>
      stubs_;
};

}  // namespace backup::ctl
