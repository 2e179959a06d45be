// SPDX-License-Identifier: Apache-2.0
#include "server/api/api_errors.h"

#include "absl/strings/str_cat.h"
#include "base/errors.h"

namespace backup::server {

absl::Status ControllerBusy() {
  return MakeError(absl::StatusCode::kResourceExhausted, "CONTROLLER_BUSY",
                   "the controller has more calls to answer than it can hold", "try again in a moment");
}

absl::Status ControllerStopping() {
  return MakeError(absl::StatusCode::kUnavailable, "CONTROLLER_STOPPING", "the controller is stopping",
                   "try again when it is back");
}

absl::Status CallCancelled() {
  return MakeError(absl::StatusCode::kCancelled, "CALL_CANCELLED", "the caller no longer waits for an answer");
}

absl::Status DatabaseNotCovered(absl::string_view policy, absl::string_view database) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "DATABASE_NOT_COVERED",
                   absl::StrCat(policy, " does not cover ", database),
                   "leave the policy out, or add the database to the policy's selectors",
                   {{"policy", std::string(policy)}, {"database", std::string(database)}});
}

}  // namespace backup::server
