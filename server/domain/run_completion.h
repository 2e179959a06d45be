// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "backup/v1/agent_control_service.pb.h"
#include "server/domain/changes.h"

namespace backup::server {

// An agent says how an attempt ended. Idempotent by attempt id and epoch: the run unchanged and no events when it ended
// by this attempt before, or when it ended without any attempt and the agent only confirms that it did not start.
//
//   SCHEDULED, PENDING, RUNNING, LOST of this attempt and epoch -> the result's state; after a failure that may pass,
//                                                               PENDING under the next epoch (run_retry.h)
//   the attempt whose failure was followed by another           -> unchanged
//   another epoch: STALE_EPOCH. Another attempt: RUN_HELD_BY_OTHER_ATTEMPT. Otherwise ended: RUN_ALREADY_ENDED.
//
// INVALID_ARGUMENT RESULT_INVALID when the result cannot be true: a state that ends nothing, MISSED or SKIPPED of a run
// that had started, success of a BACKUP without manifest or with facts that contradict the run or each other
// (backup_facts.h), success of a DRILL or RESTORE that does not say what came back. A success of a BACKUP makes a
// Backup; what the others make of theirs is in backup_renewal.h. A DRILL whose restore took longer than its
// max_duration is FAILED TIMEOUT, and its backup proven all the same.
absl::StatusOr<RunChange> CompleteRun(const RunView& view, const v1::AttemptRef& attempt, const v1::RunResult& result,
                                      absl::Time now);

}  // namespace backup::server
