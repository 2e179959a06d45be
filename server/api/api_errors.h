// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace backup::server {

// Errors that only the API raises.

// RESOURCE_EXHAUSTED CONTROLLER_BUSY: the queue of handlers is full.
absl::Status ControllerBusy();
// UNAVAILABLE CONTROLLER_STOPPING.
absl::Status ControllerStopping();
// CANCELLED CALL_CANCELLED: the caller went away or its deadline passed.
absl::Status CallCancelled();
// FAILED_PRECONDITION DATABASE_NOT_COVERED.
absl::Status DatabaseNotCovered(absl::string_view policy, absl::string_view database);

}  // namespace backup::server
