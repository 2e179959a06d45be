// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <grpcpp/grpcpp.h>

#include "absl/status/status.h"

namespace backup {

// The only mapping between the two, in both directions; a round trip keeps code, message and ErrorInfos (as a
// backup.v1.StatusDetails, wire form of google.rpc.Status, in the error details). Both travel in HTTP/2 trailers, of
// which a client takes 8 KiB: messages are cut at 2 KiB, and ErrorInfos left out from the end beyond 4 KiB.
grpc::Status ToGrpcStatus(const absl::Status& status);
absl::Status FromGrpcStatus(const grpc::Status& status);

}  // namespace backup
