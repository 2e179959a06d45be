// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "backup/v1/run.pb.h"
#include "server/domain/changes.h"

namespace backup::server {

// What reading or restoring a stored backup again says of it. Pure.

// Whether a reported success of a DRILL or RESTORE can be true: it says what came back, no figure is negative, and of a
// DRILL every table was compared. INVALID_ARGUMENT RESULT_INVALID.
absl::Status CheckRestoreFacts(v1::RunKind kind, const v1::RunResult& result);

// Why a restore that came back whole was still too slow for the policy, for people; "" when it was not.
std::string FindLateness(const v1::DrillRunSpec& spec, const v1::RestoreFacts& facts);

// Adds to `change` what the end of a VERIFY, DRILL or RESTORE makes of its backup, with the events. `change.run` is the
// run as the result leaves it.
//
//   VERIFY succeeded            verify_time; a BAD one is GOOD again
//   DRILL succeeded, or only    verify_time, prove_time, restore_duration, level RESTORED; a BAD one is GOOD again
//     too slow
//   any of them CORRUPT         BAD
//   DRILL: ASSERTION_FAILED     SUSPICIOUS, unless it is BAD, or the assertions were not the policy's but a person's
//   anything else               nothing: nobody knows more than before; a RESTORE need not have read all of it
void RenewBackup(const RunView& view, const v1::RunResult& result, absl::Time now, RunChange& change);

}  // namespace backup::server
