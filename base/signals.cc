// SPDX-License-Identifier: Apache-2.0
#include "base/signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <chrono>

namespace backup {
namespace {

sigset_t StopSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

StopSignal::StopSignal() {
  const sigset_t set = StopSignals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

int StopSignal::Wait(absl::Duration timeout) {
  const sigset_t set = StopSignals();
  const auto start = std::chrono::steady_clock::now();
  while (true) {
    int signal_number;
    if (timeout == absl::InfiniteDuration()) {
      signal_number = sigwaitinfo(&set, nullptr);
    } else {
      const absl::Duration left = timeout - absl::FromChrono(std::chrono::steady_clock::now() - start);
      const timespec wait = absl::ToTimespec(std::max(left, absl::ZeroDuration()));
      signal_number = sigtimedwait(&set, nullptr, &wait);
    }
    if (signal_number > 0) return signal_number;
    if (errno != EINTR) return 0;
  }
}

void ProtectProcessMemory() {
  const rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

}  // namespace backup
