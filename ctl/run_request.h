// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "backup/v1/run.pb.h"
#include "ctl/client.h"
#include "ctl/session.h"

namespace backup::ctl {

// Asks the controller for a run: once, however often the call has to be repeated.
absl::StatusOr<v1::Run> AskForRun(Session& session, Client& client, const v1::Run& wanted);

// Says so when the run's agent is not heard of: the run waits for it, better said than left to be wondered about.
void TellIfAgentIsAway(Session& session, Client& client, const v1::Run& run);

// Shows runs that were asked for, and how to follow them while they have not ended.
void ShowAskedRuns(Session& session, const std::vector<v1::Run>& runs);

}  // namespace backup::ctl
