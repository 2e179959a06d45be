// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "server/loops/change_feed.h"
#include "server/store/store.h"

namespace backup::server {

struct PlannerPassOptions {
  // A policy that nobody changed is planned anew after this time, by both clocks. Rows reach an hour further ahead than
  // agents hold them (kPlanningHorizon), so less than that. Default: 45 min.
  absl::Duration renewal = absl::Minutes(45);
  // One that could not be planned is tried again after this time. Default: 1 min.
  absl::Duration retry = absl::Minutes(1);
  // Databases planned in one transaction. Default: 50.
  int part_size = 50;
};

// Keeps the rows of every policy planned ahead, a part of the fleet at a time, so that a fleet of any size holds nobody
// up. What has been planned is remembered, not stored: a new controller begins anew. Used by one thread.
class PlannerPass {
 public:
  // Borrows all four.
  PlannerPass(Store& store, Clock& clock, Random& random, ChangeFeed& feed, PlannerPassOptions options = {});

  // Plans what is due, the policy first that waits longest: those that are new, were changed, or were planned long ago;
  // after RequestAll all. Gives up at
  // `deadline` by the monotonic clock, with one part done at least, and goes on there the next time. Returns whether
  // all is planned. A policy that cannot be planned is logged and holds up no other; UNAVAILABLE when the catalog is
  // away.
  absl::StatusOr<bool> Run(absl::Duration deadline);

  // Of the policies that limit it: how many of their runs may work at once. As of the last Run.
  const std::map<std::string, int64_t>& policy_limits() const { return policy_limits_; }

  // All policies are due again, also the parts that were planned just now.
  void RequestAll() { ++request_; }

 private:
  // A policy as it was when the first of its parts was planned.
  struct Planned {
    std::string etag;
    int64_t request = 0;
    absl::Time wall_time;
    absl::Duration time;  // Monotonic.
    bool failed = false;  // A part could not be planned: that one and those after it were not.
  };

  // The policy to go on with; null when all is planned.
  const v1::Policy* Next(const std::vector<v1::Policy>& policies) const;
  bool IsDue(const v1::Policy& policy) const;
  // One part of it; the first one when it is not the one at work. True when it was the last, and nothing of the past is
  // left to be planned.
  absl::StatusOr<bool> PlanPart(const v1::Policy& policy);

  Store& store_;
  Clock& clock_;
  Random& random_;
  ChangeFeed& feed_;
  const PlannerPassOptions options_;

  int64_t request_ = 0;
  std::map<std::string, int64_t> policy_limits_;
  std::map<std::string, Planned> planned_;  // Policies all of whose parts are planned.
  // The policy at work, "" for none, as it was when that began, and where its next part begins.
  std::string current_;
  Planned begun_;
  std::string next_part_;
  LogLimiter failure_log_;
};

}  // namespace backup::server
