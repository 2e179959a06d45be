// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace backup {

// SIGINT and SIGTERM as something to wait for. Construct in main before any thread starts: it blocks the signals in
// all threads and ignores SIGPIPE; they arrive at Wait only.
class StopSignal {
 public:
  StopSignal();
  // Waits for SIGINT or SIGTERM, at most `timeout`; returns its number, 0 on timeout.
  int Wait(absl::Duration timeout = absl::InfiniteDuration());
};

// No core dump, no ptrace by others of the same user: secrets in memory stay there (RLIMIT_CORE 0, PR_SET_DUMPABLE 0).
void ProtectProcessMemory();

}  // namespace backup
