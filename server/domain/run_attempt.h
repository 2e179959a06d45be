// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "backup/v1/agent_control_service.pb.h"
#include "server/domain/changes.h"

namespace backup::server {

// An agent says that it works on the run: starts it, or extends its lease to now + lease.
//
//   SCHEDULED, PENDING of this epoch                          -> RUNNING, held by this attempt
//   RUNNING by this attempt                                   -> RUNNING, extended
//   LOST by this attempt, or never started and of this epoch  -> RUNNING
//   another epoch: STALE_EPOCH. Another attempt: RUN_HELD_BY_OTHER_ATTEMPT. Otherwise ended: RUN_ALREADY_ENDED.
//
// INVALID_ARGUMENT ATTEMPT_INVALID when the attempt id is not [0-9a-z]{1,63}. Absurd progress and times are put right,
// never stored. The answer's cancel flag is `run.cancel_requested` of the result. That the run belongs to the agent is
// the caller's check.
absl::StatusOr<RunChange> StartOrExtendRun(const RunView& view, const v1::AttemptProgress& attempt, absl::Time now,
                                           absl::Duration lease);

}  // namespace backup::server
