// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <thread>

#include "base/cancellation.h"
#include "base/signals.h"

namespace backup::agent {

// For as long as it lives, SIGINT and SIGTERM cancel `cancellation`.
class StopWatcher {
 public:
  // Both must outlive it.
  StopWatcher(StopSignal& stop, Cancellation& cancellation);
  ~StopWatcher();
  StopWatcher(const StopWatcher&) = delete;
  StopWatcher& operator=(const StopWatcher&) = delete;

 private:
  std::atomic<bool> over_ = false;
  std::thread thread_;
};

}  // namespace backup::agent
