// SPDX-License-Identifier: Apache-2.0
#include "server/domain/agent_state.h"

#include "base/proto_json.h"

namespace backup::server {
namespace {

constexpr absl::Duration kSyncPeriod = absl::Seconds(50);

}  // namespace

v1::AgentState JudgeAgent(const v1::Agent& agent, absl::Time now) {
  if (!agent.has_last_seen_time()) {
    return v1::ENROLLED;
  }
  return now - ToAbsl(agent.last_seen_time()) <= 2 * kSyncPeriod ? v1::ONLINE : v1::OFFLINE;
}

}  // namespace backup::server
