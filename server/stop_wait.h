// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/time/time.h"
#include "base/cancellation.h"
#include "base/mutex.h"

namespace backup::server {

// Waiting that a Cancellation interrupts. Thread-safe.
class StopWait {
 public:
  // Borrows `stop`.
  explicit StopWait(Cancellation& stop);

  // Returns after `timeout` of steady time, or at once when cancelled; true when cancelled.
  bool WaitFor(absl::Duration timeout);

 private:
  Mutex mu_;
  CondVar changed_;
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  Cancellation::Registration registration_;
};

}  // namespace backup::server
