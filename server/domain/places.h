// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "backup/v1/run.pb.h"
#include "server/domain/changes.h"

namespace backup::server {

// How many runs may work at once.
struct PlaceLimits {
  int64_t fleet = 0;                         // 0: no limit.
  std::map<std::string, int64_t> by_policy;  // spec.schedule.max_running of those that have one.
};

// Names of those that wait and are to be let go now, so that no limit is passed: the oldest slot first, and none whose
// agent is not `ready` for it, since it would only take the place of another; `ready` is asked last, and true gives the
// place. Runs asked for by hand take places, and wait for none.
std::vector<std::string> GivePlaces(const Places& places, const PlaceLimits& limits,
                                    const std::function<bool(const v1::Run&)>& ready);

// `run`, which waited, as it is let go. Unchanged when it does not wait any more.
RunChange LetGo(const v1::Run& run, absl::Time now);

}  // namespace backup::server
