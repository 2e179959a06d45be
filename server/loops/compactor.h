// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/log.h"
#include "server/store/store.h"

namespace backup::server {

struct CompactorOptions {
  // How old history is that goes. Default: 400 d.
  absl::Duration history_age = absl::Hours(24 * 400);
  // From the start to the first pass, and from one pass to the next. Default: 6 h.
  absl::Duration period = absl::Hours(6);
  // Rows looked at in one step, and the wait between two, so that whoever else needs the catalog gets it. Default: 500,
  // 100 ms.
  int batch = 500;
  absl::Duration pause = absl::Milliseconds(100);
  // Whether the clock is not to be trusted; no pass begins then. Default: never.
  std::function<bool()> clock_jumped = [] { return false; };
  // The wait after the catalog failed. Default: 1 min.
  absl::Duration backoff = absl::Minutes(1);
};

// Removes events and ended runs of whole months that are older than the history's age, with the runs' logs; see
// Store::CompactRuns for what stays and what is counted. A pass goes through all of it in small steps. No pass begins
// while the clock is not trusted, or has stepped against the monotonic one by more than an hour since the last time it
// was looked at: a clock gone wrong must not take the history with it.
class Compactor {
 public:
  // Borrows both.
  Compactor(Store& store, Clock& clock, CompactorOptions options = {});

  // One step, the body of a base::Loop. Returns how long to wait for the next. What fails is logged once a minute and
  // tried again. Called by one thread at a time.
  absl::Duration RunOnce();

 private:
  enum class Phase { kWaiting, kRuns, kEvents };

  // The next pass, when the clock is sane.
  void Begin();
  absl::Duration Step();

  Store& store_;
  Clock& clock_;
  const CompactorOptions options_;

  Phase phase_ = Phase::kWaiting;
  absl::Time before_;  // What is older goes, in this pass.
  std::string from_;
  int64_t run_count_ = 0;
  int64_t event_count_ = 0;
  absl::Duration next_pass_;  // Monotonic.
  absl::Time last_wall_time_;
  absl::Duration last_time_;  // Monotonic, at last_wall_time_.
  LogLimiter failure_log_;
};

}  // namespace backup::server
