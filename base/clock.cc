// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <time.h>

#include "absl/time/clock.h"

namespace backup {
namespace {

class RealClock : public Clock {
 public:
  absl::Time Now() const override { return absl::Now(); }

  absl::Duration Monotonic() const override {
    // Not CLOCK_MONOTONIC: that one stands still while the machine sleeps.
    timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return absl::DurationFromTimespec(now);
  }
};

}  // namespace

Clock& Clock::Real() {
  static RealClock* const clock = new RealClock;
  return *clock;
}

}  // namespace backup
