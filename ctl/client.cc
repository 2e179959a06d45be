// SPDX-License-Identifier: Apache-2.0
#include "ctl/client.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/errors.h"
#include "base/rpc/grpc_status.h"
#include "base/units.h"

namespace backup::ctl {
namespace {

// What went wrong, without the layers that gRPC wraps around it: "failed to connect to all addresses; last error:
// UNKNOWN: ipv4:127.0.0.1:7443: Failed to connect to remote host: Connection refused" is about a refused connection.
std::string InnerMessage(const std::string& message) {
  constexpr absl::string_view kLast = "last error: ";
  const size_t at = message.rfind(std::string(kLast));
  if (at == std::string::npos) return message;
  absl::string_view inner = absl::string_view(message).substr(at + kLast.size());
  if (const size_t code = inner.find(": ");
      absl::StartsWith(inner, "UNKNOWN: ") || absl::StartsWith(inner, "UNAVAILABLE: ")) {
    inner.remove_prefix(code + 2);
  }
  for (absl::string_view scheme : {"ipv4:", "ipv6:", "unix:"}) {
    if (const size_t end = inner.find(": "); absl::StartsWith(inner, scheme) && end != absl::string_view::npos) {
      inner.remove_prefix(end + 2);
    }
  }
  return std::string(inner);
}

}  // namespace

Client::Client(std::shared_ptr<grpc::Channel> channel, std::string address, absl::Duration timeout,
               Cancellation& interrupt)
    : address_(std::move(address)),
      timeout_(timeout),
      interrupt_(interrupt),
      stubs_(v1::PolicyService::NewStub(channel), v1::RunService::NewStub(channel), v1::BackupService::NewStub(channel),
             v1::AgentService::NewStub(channel), v1::FleetService::NewStub(channel),
             v1::ReportService::NewStub(channel)) {}

absl::Status Client::ToStatus(const grpc::Status& status) const {
  if (interrupt_.cancelled()) return MakeError(absl::StatusCode::kCancelled, "INTERRUPTED", "interrupted");
  const absl::Status converted = FromGrpcStatus(status);
  // An error with a reason comes from the controller itself; these two come from the channel.
  if (converted.ok() || !ErrorReason(converted).empty()) return converted;
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE) {
    return MakeError(
        absl::StatusCode::kUnavailable, "CONTROLLER_UNREACHABLE",
        absl::StrCat("cannot reach the controller at ", address_, ": ", InnerMessage(status.error_message())),
        "check that backup-controller runs there, that the address is right (backupctl context show) and that "
        "no firewall stands between; a context of another controller fails in the TLS handshake");
  }
  if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) {
    return MakeError(
        absl::StatusCode::kDeadlineExceeded, "CONTROLLER_TIMEOUT",
        absl::StrCat("the controller at ", address_, " did not answer in ", backup::FormatDuration(timeout_)),
        "try again with a longer --timeout, or check the controller's load and the network between");
  }
  return converted;
}

absl::Status Client::Perform(const std::function<grpc::Status(grpc::ClientContext&)>& call) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + timeout_));
  const Cancellation::Registration stop(interrupt_, [&context] { context.TryCancel(); });
  return ToStatus(call(context));
}

absl::Status Client::WatchRun(const v1::WatchRunRequest& request, absl::Duration deadline,
                              const std::function<bool(const v1::WatchRunResponse&)>& on_response) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + deadline));
  const Cancellation::Registration stop(interrupt_, [&context] { context.TryCancel(); });
  const auto stream = std::get<std::unique_ptr<v1::RunService::Stub>>(stubs_)->WatchRun(&context, request);
  v1::WatchRunResponse response;
  bool enough = false;
  while (!enough && stream->Read(&response)) enough = !on_response(response);
  if (enough) context.TryCancel();
  const absl::Status status = ToStatus(stream->Finish());
  return enough ? absl::OkStatus() : status;
}

}  // namespace backup::ctl
