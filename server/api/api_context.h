// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/thread_pool.h"
#include "server/api/authorizer.h"
#include "server/api/parked_calls.h"
#include "server/api/refusals.h"
#include "server/loops/change_feed.h"
#include "server/loops/clock_watch.h"
#include "server/loops/fleet_watch.h"
#include "server/loops/frozen_retention.h"
#include "server/pki/certificate_authority.h"
#include "server/store/store.h"

namespace backup::server {

// What the answers of the API say of this controller. Constant while it serves.
struct ApiSettings {
  // How long a lease lasts after each report of its agent.
  absl::Duration lease_duration = absl::Seconds(60);
  // How often agents report progress.
  absl::Duration progress_interval = absl::Seconds(3);
  // The fleet has a limit of runs at once: agents are told of runs only when these are due and have a place.
  bool tells_only_due_runs = false;
  // The longest that a Sync is held back.
  absl::Duration max_sync_wait = absl::Seconds(50);
  // host:port that goes into enrolment tokens. May block until the port is known.
  std::function<std::string()> advertised_address;
  // Where the catalog is, for people: "embedded", or host and database; never a password.
  std::string catalog;
  int schema_version = 0;
  absl::Time start_time;
  // How old history is that may be gone.
  absl::Duration history_age = absl::Hours(24 * 400);
};

// Everything that handlers work with; all of it borrowed, all of it safe to use from many threads.
struct ApiContext {
  Store& store;
  ChangeFeed& feed;
  const Clock& clock;
  Random& random;
  // Where handlers run: they may block, gRPC's own threads may not.
  ThreadPool& pool;
  const Authorizer& authorizer;
  const CertificateAuthority& authority;
  ParkedCalls& parked_calls;
  Refusals& refusals;
  const ClockWatch& clock_watch;
  const FleetWatch& fleet_watch;
  FrozenRetention& frozen_retention;
  // Asks the scheduler to plan all policies anew, soon.
  std::function<void()> replan;
  // The same for those that are new or were changed.
  std::function<void()> plan;
  // Asks that retention of a database be applied, soon.
  std::function<void(const std::string& database)> retain;
  ApiSettings settings;
};

}  // namespace backup::server
