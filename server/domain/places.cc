// SPDX-License-Identifier: Apache-2.0
#include "server/domain/places.h"

#include "server/domain/run_state.h"

namespace backup::server {

std::vector<std::string> GivePlaces(const Places& places, const PlaceLimits& limits,
                                    const std::function<bool(const v1::Run&)>& ready) {
  std::vector<std::string> names;
  int64_t taken = places.taken;
  std::map<std::string, int64_t> by_policy = places.by_policy;
  for (const v1::Run& run : places.waiting) {
    if (limits.fleet > 0 && taken >= limits.fleet) {
      break;
    }
    const auto limit = limits.by_policy.find(run.policy());
    if (limit != limits.by_policy.end() && by_policy[run.policy()] >= limit->second) {
      continue;
    }
    if (!ready(run)) {
      continue;
    }
    names.push_back(run.name());
    ++taken;
    ++by_policy[run.policy()];
  }
  return names;
}

RunChange LetGo(const v1::Run& run, absl::Time now) {
  RunChange change;
  change.run = run;
  if (run.state() == v1::PENDING && run.held_back()) {
    change.run.set_held_back(false);
    change.events.push_back(MakeEvent(now, kControllerActor, run.name(), "RUN_LET_GO", "a place is free for it"));
  }
  return change;
}

}  // namespace backup::server
