// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/status.h"

namespace backup::server {

// Why nothing can listen at `address` (host:port), which gRPC does not tell: found by trying. FAILED_PRECONDITION
// ADDRESS_IN_USE or ADDRESS_UNUSABLE.
absl::Status ListenError(const std::string& address);

}  // namespace backup::server
