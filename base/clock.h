// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/time/time.h"

namespace backup {

// The time of day and the passing of time. Rules never read a clock: they take `now` as a parameter; only loops and
// composition roots hold a Clock.
//
// All implementations are safe for concurrent use.
class Clock {
 public:
  virtual ~Clock() = default;

  // Wall time. May step in either direction.
  virtual absl::Time Now() const = 0;

  // Time since some fixed point; never goes back, stands still for nobody. For leases and time-outs.
  virtual absl::Duration Monotonic() const = 0;

  // The clock of this machine. Lives for ever.
  static Clock& Real();
};

}  // namespace backup
