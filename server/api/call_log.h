// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <google/protobuf/descriptor.h>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/rpc/tls.h"

namespace backup::server {

// The one line in the log about a call: method, peer, how long, how it ended. Faults of ours are errors, all else is
// for debugging only, so that nobody outside can fill the log. Thread-safe.
void LogCall(const google::protobuf::Descriptor& request, const Peer& peer, absl::Duration duration,
             const absl::Status& status);

}  // namespace backup::server
