// SPDX-License-Identifier: Apache-2.0
#include "ctl/dev_wait.h"

#include "base/clock.h"
#include "base/mutex.h"

namespace backup::ctl {

bool WaitUntil(absl::Duration timeout, Cancellation& interrupt, const std::function<bool()>& condition) {
  const Clock& clock = Clock::Real();
  const absl::Duration end = clock.Monotonic() + timeout;
  Mutex mu;
  CondVar interrupted;
  const Cancellation::Registration wake(interrupt, [&interrupted] { interrupted.NotifyAll(); });
  while (!condition()) {
    if (interrupt.cancelled() || clock.Monotonic() >= end) return condition();
    const MutexLock lock(mu);
    interrupted.WaitFor(mu, absl::Milliseconds(10));
  }
  return true;
}

}  // namespace backup::ctl
