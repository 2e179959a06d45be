// SPDX-License-Identifier: Apache-2.0
#include "base/thread_priority.h"

#include <linux/ioprio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

namespace backup {
namespace {

constexpr int kNiceness = 10;

}  // namespace

void WorkInTheBackground() {
  const auto thread = static_cast<id_t>(gettid());
  // On Linux a niceness is a thread's, not a process's.
  setpriority(PRIO_PROCESS, thread, std::max(getpriority(PRIO_PROCESS, thread), kNiceness));
  syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0));
}

}  // namespace backup
