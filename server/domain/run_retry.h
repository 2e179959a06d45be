// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "absl/time/time.h"
#include "backup/v1/agent_control_service.pb.h"
#include "server/domain/changes.h"

namespace backup::server {

// Whether what failed for this cause may go well a while later without anybody's doing: a lock, a connection, a
// repository that is away, in use or full, a stall, an agent that was stopped. A refused login is none: each further
// one may lock the account.
bool MayPass(v1::FailureCause cause);

// The next attempt at `failed`, a run in state FAILED as its attempt left it: PENDING again under the next epoch, held
// by nobody, its failure kept, with the event. Nothing when there is to be none: the policy has no retry or no attempt
// left, the cause will not pass, a person asked for the run or for its end, or the wait ends after its start deadline.
// The wait is backoff, twice as long for each attempt before, and at most 1 h.
std::optional<RunChange> RetryRun(const v1::Run& failed, const std::optional<v1::Policy>& policy, absl::Time now);

// Whether `attempt` is the one whose failure RetryRun followed up: its report was taken, and changes nothing again.
bool WasRetried(const v1::Run& run, const v1::AttemptRef& attempt);

}  // namespace backup::server
