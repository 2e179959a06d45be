// SPDX-License-Identifier: Apache-2.0
#include "server/domain/agent_state.h"

#include "base/proto_json.h"

namespace backup::server {

v1::AgentState JudgeAgent(const v1::Agent& agent, absl::Time now) {
  if (!agent.has_last_seen_time()) {
    return v1::ENROLLED;
  }
  return now - ToAbsl(agent.last_seen_time()) <= kAgentSilence ? v1::ONLINE : v1::OFFLINE;
}

}  // namespace backup::server
