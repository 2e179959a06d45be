// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <grpcpp/grpcpp.h>

#include "absl/status/status.h"

namespace backup {

// The only mapping between the two, in both directions; a round trip keeps code, message and ErrorInfos (as a
// backup.v1.StatusDetails, wire form of google.rpc.Status, in the error details). Messages are cut at 4 KiB and
// details dropped from the end beyond 6 KiB, because they travel in HTTP/2 trailers (8 KiB).
grpc::Status ToGrpcStatus(const absl::Status& status);
absl::Status FromGrpcStatus(const grpc::Status& status);

}  // namespace backup
