// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/status/status.h"
#include "backup/v1/agent_control_service.pb.h"
#include "backup/v1/run.pb.h"

namespace backup::server {

// Whether a report of the attempt may touch the run: its epoch is the run's, and no other attempt has started it.
// STALE_EPOCH, RUN_HELD_BY_OTHER_ATTEMPT. Does not look at the state.
absl::Status CheckFence(const v1::Run& run, const v1::AttemptRef& attempt);

}  // namespace backup::server
