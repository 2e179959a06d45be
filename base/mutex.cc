// SPDX-License-Identifier: Apache-2.0
#include "base/mutex.h"

#include <chrono>

namespace backup {

void CondVar::Wait(Mutex& mu) {
  std::unique_lock<std::mutex> lock(mu.mu_, std::adopt_lock);
  cv_.wait(lock);
  lock.release();
}

bool CondVar::WaitFor(Mutex& mu, absl::Duration timeout) {
  // std::chrono overflows where absl saturates, so that a longer wait is a wait without end.
  if (timeout > absl::Hours(24 * 365)) {
    Wait(mu);
    return true;
  }
  std::unique_lock<std::mutex> lock(mu.mu_, std::adopt_lock);
  const std::cv_status status = cv_.wait_for(lock, absl::ToChronoNanoseconds(timeout));
  lock.release();
  return status == std::cv_status::no_timeout;
}

}  // namespace backup
