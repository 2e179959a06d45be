// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "server/store/store.h"

namespace backup::server {

struct ClockWatchOptions {
  // How often the two clocks are held against each other. Default: 5 s.
  absl::Duration interval = absl::Seconds(5);
  // A greater step between two looks is a jump; a clock that is slewed makes none. Default: 2 min.
  absl::Duration max_step = absl::Minutes(2);
  // How long the clock has to run evenly after a jump. Default: 24 h.
  absl::Duration calm = absl::Hours(24);
};

// Holds the wall clock against the steady one. After a jump nothing is deleted by age until the clock has run evenly
// for a day. A jump is an event about "clock", CLOCK_JUMPED, and its end CLOCK_STEADY, so that a restart knows of it; a
// clock that went back while no controller ran is known by the newest event, which is then of the future. One that went
// forward meanwhile cannot be told from a long absence: the agents' clocks tell it (PlanDatabaseRetention).
//
// Thread-safe.
class ClockWatch {
 public:
  // Borrows both.
  ClockWatch(Store& store, const Clock& clock, ClockWatchOptions options = {});

  // One look, the body of a base::Loop. Called by one thread at a time.
  absl::Duration RunOnce();

  // Whether the clock is not to be trusted: it jumped lately or just now. Also until the first look has read what the
  // catalog knows.
  bool jumped() const;
  // The same for people; "" when all is well.
  std::string problem() const;

 private:
  absl::Status Remember();
  void TellJump(absl::Duration step, absl::Time now);
  absl::Duration StepSinceLastLook() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Writes what is to be told; it waits when the catalog is away.
  void WriteEvents();

  Store& store_;
  const Clock& clock_;
  const ClockWatchOptions options_;

  // Used by RunOnce alone.
  bool remembered_ = false;
  absl::Duration calm_since_;  // Monotonic.
  std::vector<v1::Event> unwritten_;

  mutable Mutex mu_;
  absl::Time last_time_ ABSL_GUARDED_BY(mu_);  // The last look, by both clocks.
  absl::Duration last_monotonic_ ABSL_GUARDED_BY(mu_);
  bool jumped_ ABSL_GUARDED_BY(mu_) = true;
  std::string problem_ ABSL_GUARDED_BY(mu_);
};

}  // namespace backup::server
