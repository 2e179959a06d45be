// SPDX-License-Identifier: Apache-2.0
#include "server/domain/run_fence.h"

#include "base/errors.h"

namespace backup::server {

absl::Status CheckFence(const v1::Run& run, const v1::AttemptRef& attempt) {
  if (attempt.epoch() != run.epoch()) {
    return StaleEpoch(run.name(), attempt.epoch(), run.epoch());
  }
  if (!run.attempt_id().empty() && run.attempt_id() != attempt.attempt_id()) {
    return RunHeldByOtherAttempt(run.name());
  }
  return absl::OkStatus();
}

}  // namespace backup::server
