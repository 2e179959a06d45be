// SPDX-License-Identifier: Apache-2.0
#include "ctl/interrupt.h"

#include <unistd.h>
#include <csignal>

#include "ctl/exit_code.h"

namespace backup::ctl {

InterruptWatcher::InterruptWatcher(Cancellation& interrupt)
    : thread_([this, &interrupt] {
        signal_.Wait();
        if (done_) return;
        interrupt.Cancel("interrupted");
        signal_.Wait();
        if (!done_) _exit(static_cast<int>(ExitCode::kInterrupted));
      }) {}

InterruptWatcher::~InterruptWatcher() {
  done_ = true;
  // The signal is blocked in every thread, so it can only wake the one that waits for it.
  kill(getpid(), SIGTERM);
  thread_.join();
}

}  // namespace backup::ctl
