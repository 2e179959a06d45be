// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "server/domain/agent_presence.h"
#include "server/domain/fleet_overview.h"
#include "server/loops/frozen_retention.h"
#include "server/store/store.h"

namespace backup::server {

struct FleetWatchOptions {
  // From the end of one look at the whole to the next. Default: 30 s.
  absl::Duration interval = absl::Seconds(30);
  // Databases, and agents, of one turn. Default: 250.
  int page_size = 250;
  // Wait after the catalog failed. Default: 10 s.
  absl::Duration backoff = absl::Seconds(10);
};

// Looks at every database of the fleet from time to time, a page in each turn, so that the worst are known of a fleet
// that nobody could read whole while somebody waits for an answer. An agent that went away or came back since the look
// before is an event (see AgentPresence).
//
// Thread-safe.
class FleetWatch {
 public:
  // Borrows all.
  FleetWatch(Store& store, const Clock& clock, const FrozenRetention& frozen_retention, FleetWatchOptions options = {});

  // One turn, the body of a base::Loop. Returns how long to wait for the next. Called by one thread at a time.
  absl::Duration RunOnce();

  // What the last look has found; null before the first.
  std::shared_ptr<const FleetOverview> overview() const;

 private:
  // A look that is under way.
  struct Look {
    explicit Look(int page_size) { page.size = page_size; }

    FleetOverviewBuilder builder{kMaxStatusRows};
    PageRequest page;
    bool databases_done = false;
  };

  // One page. True when it was the last.
  absl::StatusOr<bool> LookAtPage(Look& look);

  Store& store_;
  const Clock& clock_;
  const FrozenRetention& frozen_retention_;
  const FleetWatchOptions options_;

  // Used by RunOnce alone.
  std::optional<Look> look_;
  AgentPresence presence_;
  LogLimiter failure_log_;

  mutable Mutex mu_;
  std::shared_ptr<const FleetOverview> overview_ ABSL_GUARDED_BY(mu_);
};

}  // namespace backup::server
