// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/time/time.h"
#include "agent/controller_link.h"
#include "agent/held_run_set.h"
#include "agent/run_loop.h"
#include "base/cancellation.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"

namespace backup::agent {

// Tells the controller how the attempts go, as often as it asked for; that keeps their leases. Stops an attempt when
// the answer says cancel, or that the controller will not take its result any more. A controller that is away stops
// nothing.
//
// Thread-safe.
class ProgressReporter {
 public:
  // All must outlive it.
  ProgressReporter(ControllerLink& link, RunLoop& runs, const HeldRunSet& held, Clock& clock);
  ~ProgressReporter();

  void Start();
  // An attempt began: reports at once.
  void Wake() { loop_.Trigger(); }
  // Idempotent.
  void Stop();

  // One report of each attempt; returns how long to wait before the next. For tests without Start.
  absl::Duration Turn();

 private:
  // False when the controller is away.
  bool Report(const v1::AttemptProgress& attempt);

  ControllerLink& link_;
  RunLoop& runs_;
  const HeldRunSet& held_;
  Clock& clock_;
  LogLimiter log_limiter_;
  Cancellation stop_;
  Loop loop_;
};

}  // namespace backup::agent
