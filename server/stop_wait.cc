// SPDX-License-Identifier: Apache-2.0
#include "server/stop_wait.h"

#include "base/clock.h"

namespace backup::server {

StopWait::StopWait(Cancellation& stop)
    : registration_(stop, [this] {
        MutexLock lock(mu_);
        cancelled_ = true;
        changed_.NotifyAll();
      }) {}

bool StopWait::WaitFor(absl::Duration timeout) {
  const absl::Duration end = Clock::Real().Monotonic() + timeout;
  MutexLock lock(mu_);
  while (!cancelled_) {
    const absl::Duration left = end - Clock::Real().Monotonic();
    if (left <= absl::ZeroDuration()) {
      break;
    }
    changed_.WaitFor(mu_, left);
  }
  return cancelled_;
}

}  // namespace backup::server
