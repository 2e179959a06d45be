// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/cancellation.h"

namespace backup::ctl {

// A process that outlives the command that started it. A pid alone says nothing once the process has ended: the number
// is given again. So the time it started and the boot it started in are kept with it, and no other process is ever
// signalled.
struct DetachedProcess {
  pid_t pid = 0;
  // Clock ticks after boot, as /proc/PID/stat has it.
  uint64_t start_ticks = 0;
  // /proc/sys/kernel/random/boot_id.
  std::string boot_id;
};

struct DetachedOptions {
  // argv; argv[0] is an absolute path.
  std::vector<std::string> argv;
  // The whole environment.
  std::vector<std::pair<std::string, std::string>> environment;
  // Takes stdout and stderr, appended; made 0600.
  std::string log_file;
  // The user to become; only when we are root. Default: stay.
  std::string run_as_user;
};

// Starts it in a session of its own, with working directory "/", default signals, and no descriptor but the log, and
// writes `process_file`. INTERNAL SPAWN_FAILED; the errors of base/file.h for the files.
absl::StatusOr<DetachedProcess> StartDetached(const DetachedOptions& options, const std::string& process_file);

// The process that the file tells of, when it runs still; nothing when it has ended or the file is not there.
std::optional<DetachedProcess> FindDetached(const std::string& process_file);

// Sends `signal`, and SIGKILL after `grace`; returns when it is gone, and removes the file. OK when it did
// not run. DEADLINE_EXCEEDED DEV_PROCESS_STAYS when not even SIGKILL ends it within 10 s.
absl::Status StopDetached(const std::string& process_file, int signal, absl::Duration grace, Cancellation& interrupt);

}  // namespace backup::ctl
