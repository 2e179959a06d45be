// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>
#include <string>

#include "absl/time/time.h"
#include "base/signals.h"

namespace backup::agent {

// `backup-agent run`: the daemon.
struct RunCommandOptions {
  std::string config_file;      // "": the environment (DATABASE_URL, BACKUP_DIR, BACKUP_STATE_DIR).
  std::string state_directory;  // Overrides the configuration's, unless "".
  // How long SIGTERM may take: work is cancelled, its end told to the controller or kept. Default: 10 s, then the
  // process ends whatever still works.
  absl::Duration stop_grace = absl::Seconds(10);
};

// Serves until a stop signal. Exit code: 0 stopped, 1 failed, 2 wrong configuration, 6 not enrolled, or another agent
// runs on this state directory.
int RunRunCommand(const RunCommandOptions& options, StopSignal& stop, std::ostream& err);

}  // namespace backup::agent
