// SPDX-License-Identifier: Apache-2.0
#include "server/api/call_log.h"

#include "base/log.h"
#include "server/api/authorizer.h"

namespace backup::server {

void LogCall(const google::protobuf::Descriptor& request, const Peer& peer, absl::Duration duration,
             const absl::Status& status) {
  const bool our_fault = status.code() == absl::StatusCode::kInternal || status.code() == absl::StatusCode::kUnknown;
  Log(our_fault ? LogLevel::kError : LogLevel::kDebug, "call",
      {{"method", MethodTaking(request)}, {"peer", peer.ToString()}, {"duration", duration}, {"status", status}});
}

}  // namespace backup::server
