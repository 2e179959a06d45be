// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/time/time.h"
#include "backup/v1/agent.pb.h"

namespace backup::server {

// How long an agent may be silent and still count as there: two Sync periods.
inline constexpr absl::Duration kAgentSilence = absl::Seconds(100);

// ONLINE when heard of within kAgentSilence; ENROLLED when never heard of.
v1::AgentState JudgeAgent(const v1::Agent& agent, absl::Time now);

}  // namespace backup::server
