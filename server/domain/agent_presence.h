// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "backup/v1/agent.pb.h"
#include "backup/v1/event.pb.h"

namespace backup::server {

// Which agents were there when they were last looked at, so that going and coming are told once each. Of an agent that
// is seen for the first time nothing is told; nor is silence that nobody could have heard: while nothing listened, and
// as long after that as an agent may be silent. Not thread-safe.
class AgentPresence {
 public:
  // `longest_pause`: when the time between two calls of Listen is longer, nothing listened meanwhile.
  explicit AgentPresence(absl::Duration longest_pause) : longest_pause_(longest_pause) {}

  // Says that something listens at `now`. To be called before what follows, and again and again.
  void Listen(absl::Time now);
  // AGENT_OFFLINE and AGENT_ONLINE events of those that went or came since Note.
  std::vector<v1::Event> Changes(absl::Span<const v1::Agent> agents, absl::Time now) const;
  void Note(absl::Span<const v1::Agent> agents, absl::Time now);

 private:
  // UNSPECIFIED: nobody can say.
  v1::AgentState Judge(const v1::Agent& agent, absl::Time now) const;

  const absl::Duration longest_pause_;
  absl::Time listening_since_ = absl::InfiniteFuture();
  absl::Time last_listened_ = absl::InfinitePast();
  std::map<std::string, v1::AgentState> states_;
};

}  // namespace backup::server
