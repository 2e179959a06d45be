// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <thread>

#include "base/cancellation.h"
#include "base/signals.h"

namespace backup::ctl {

// Turns the first Ctrl-C (or SIGTERM) into a cancellation; the second ends the process at once with code 130.
// Construct in main before any other thread starts, one at most.
class InterruptWatcher {
 public:
  // Borrows `interrupt`.
  explicit InterruptWatcher(Cancellation& interrupt);
  // Ends the watching thread.
  ~InterruptWatcher();

 private:
  StopSignal signal_;
  std::atomic<bool> done_ = false;
  std::thread thread_;
};

}  // namespace backup::ctl
