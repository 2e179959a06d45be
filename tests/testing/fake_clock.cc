// SPDX-License-Identifier: Apache-2.0
#include "tests/testing/fake_clock.h"

#include "absl/time/civil_time.h"

namespace backup::testing {

FakeClock::FakeClock() : FakeClock(absl::FromCivil(absl::CivilSecond(2026, 11, 23, 12, 0, 0), absl::UTCTimeZone())) {}

FakeClock::FakeClock(absl::Time now) : now_(now) {}

absl::Time FakeClock::Now() const {
  MutexLock lock(mu_);
  return now_;
}

absl::Duration FakeClock::Monotonic() const {
  MutexLock lock(mu_);
  return monotonic_;
}

void FakeClock::Advance(absl::Duration by) {
  MutexLock lock(mu_);
  now_ += by;
  monotonic_ += by;
}

void FakeClock::SetWallTime(absl::Time now) {
  MutexLock lock(mu_);
  now_ = now;
}

}  // namespace backup::testing
