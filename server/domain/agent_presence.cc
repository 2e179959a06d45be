// SPDX-License-Identifier: Apache-2.0
#include "server/domain/agent_presence.h"

#include "absl/strings/str_cat.h"
#include "base/proto_json.h"
#include "base/units.h"
#include "server/domain/agent_state.h"
#include "server/domain/run_state.h"

namespace backup::server {

void AgentPresence::Listen(absl::Time now) {
  const bool is_break = now < last_listened_ || now - last_listened_ > longest_pause_;
  if (is_break) listening_since_ = now;
  last_listened_ = now;
}

v1::AgentState AgentPresence::Judge(const v1::Agent& agent, absl::Time now) const {
  const v1::AgentState state = JudgeAgent(agent, now);
  const bool is_heard = state != v1::OFFLINE || now - listening_since_ > kAgentSilence;
  return is_heard ? state : v1::AGENT_STATE_UNSPECIFIED;
}

std::vector<v1::Event> AgentPresence::Changes(absl::Span<const v1::Agent> agents, absl::Time now) const {
  std::vector<v1::Event> events;
  for (const v1::Agent& agent : agents) {
    const auto known = states_.find(agent.name());
    if (known == states_.end()) continue;
    const v1::AgentState before = known->second;
    const v1::AgentState state = Judge(agent, now);
    const auto add = [&](absl::string_view type, absl::string_view message) {
      events.push_back(MakeEvent(now, kControllerActor, agent.name(), type, message));
    };
    if (before == v1::ONLINE && state == v1::OFFLINE) {
      add("AGENT_OFFLINE",
          absl::StrCat("it has not been heard of since ", FormatRfc3339(ToAbsl(agent.last_seen_time()))));
    } else if (before == v1::OFFLINE && state == v1::ONLINE) {
      add("AGENT_ONLINE", "it is heard of again");
    } else if (before == v1::ENROLLED && state == v1::ONLINE) {
      add("AGENT_ONLINE", "it is heard of for the first time");
    }
  }
  return events;
}

void AgentPresence::Note(absl::Span<const v1::Agent> agents, absl::Time now) {
  for (const v1::Agent& agent : agents) {
    const v1::AgentState state = Judge(agent, now);
    // What nobody can say leaves what was known.
    if (state != v1::AGENT_STATE_UNSPECIFIED) states_[agent.name()] = state;
  }
}

}  // namespace backup::server
