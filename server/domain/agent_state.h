// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/time/time.h"
#include "backup/v1/agent.pb.h"

namespace backup::server {

// ONLINE when heard of within two Sync periods (100 s); ENROLLED when never heard of.
v1::AgentState JudgeAgent(const v1::Agent& agent, absl::Time now);

}  // namespace backup::server
