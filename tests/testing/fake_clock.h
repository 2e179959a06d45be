// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"
#include "base/mutex.h"

namespace backup::testing {

// A clock that moves only when told to. Thread-safe.
class FakeClock : public Clock {
 public:
  // Default: 2026-11-23T12:00:00Z.
  FakeClock();
  explicit FakeClock(absl::Time now);

  absl::Time Now() const override;
  absl::Duration Monotonic() const override;

  // Lets time pass: both clocks move.
  void Advance(absl::Duration by);
  // Steps the wall clock, in either direction, as an administrator or NTP does.
  void SetWallTime(absl::Time now);

 private:
  mutable Mutex mu_;
  absl::Time now_ ABSL_GUARDED_BY(mu_);
  absl::Duration monotonic_ ABSL_GUARDED_BY(mu_) = absl::Hours(1);
};

}  // namespace backup::testing
