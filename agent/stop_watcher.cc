// SPDX-License-Identifier: Apache-2.0
#include "agent/stop_watcher.h"

#include <signal.h>

namespace backup::agent {

StopWatcher::StopWatcher(StopSignal& stop, Cancellation& cancellation)
    : thread_([this, &stop, &cancellation] {
        stop.Wait();
        if (!over_) {
          cancellation.Cancel("interrupted");
        }
      }) {}

StopWatcher::~StopWatcher() {
  over_ = true;
  // Wakes the thread, and only it: the signal is blocked everywhere, and is its alone.
  // NOLINTNEXTLINE(bugprone-bad-signal-to-kill-thread)
  pthread_kill(thread_.native_handle(), SIGTERM);
  thread_.join();
}

}  // namespace backup::agent
