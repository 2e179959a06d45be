// SPDX-License-Identifier: Apache-2.0
#include "server/loops/fleet_watch.h"

#include <vector>

#include "base/status_macros.h"
#include "server/domain/agent_state.h"
#include "server/domain/fleet_health.h"

namespace backup::server {

FleetWatch::FleetWatch(Store& store, const Clock& clock, const FrozenRetention& frozen_retention,
                       FleetWatchOptions options)
    : store_(store),
      clock_(clock),
      frozen_retention_(frozen_retention),
      options_(options),
      presence_(options.interval + options.backoff),
      failure_log_(absl::Minutes(1)) {}

std::shared_ptr<const FleetOverview> FleetWatch::overview() const {
  MutexLock lock(mu_);
  return overview_;
}

absl::Duration FleetWatch::RunOnce() {
  if (!look_.has_value()) look_.emplace(options_.page_size);
  const absl::StatusOr<bool> done = LookAtPage(*look_);
  if (!done.ok()) {
    int64_t suppressed = 0;
    if (failure_log_.ShouldLog(clock_.Monotonic(), &suppressed)) {
      LogWarning("cannot look at the fleet", {{"suppressed", suppressed}, {"error", done.status()}});
    }
    return options_.backoff;
  }
  if (!*done) return absl::ZeroDuration();
  auto overview = std::make_shared<const FleetOverview>(look_->builder.Finish(clock_.Now()));
  look_.reset();
  MutexLock lock(mu_);
  overview_ = std::move(overview);
  return options_.interval;
}

absl::StatusOr<bool> FleetWatch::LookAtPage(Look& look) {
  const absl::Time now = clock_.Now();
  if (look.databases_done) {
    ASSIGN_OR_RETURN(const Page<v1::Agent> agents, store_.ListAgents(look.page));
    presence_.Listen(now);
    if (const std::vector<v1::Event> events = presence_.Changes(agents.items, now); !events.empty()) {
      RETURN_IF_ERROR(store_.AppendEvents(events));
    }
    presence_.Note(agents.items, now);
    look.builder.AddAgents(agents.items, now);
    look.page.token = agents.next_token;
    return look.page.token.empty();
  }
  ASSIGN_OR_RETURN(FleetPart part, store_.ReadFleetPart(now, look.page));
  // While the catalog was away nobody could be heard.
  presence_.Listen(now);
  ASSIGN_OR_RETURN(const std::vector<v1::Policy> policies, store_.ReadPolicies());
  frozen_retention_.FillIn(part.status);
  JudgeFleet(part.status, policies, now);
  look.builder.AddDatabases(part.status);
  look.page.token = part.next_token;
  look.databases_done = part.next_token.empty();
  return false;
}

}  // namespace backup::server
