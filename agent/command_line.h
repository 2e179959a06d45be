// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/signals.h"

namespace backup::agent {

// The command line of backup-agent:
//
//   backup-agent
//     run              the daemon
//     enroll           make this host an agent of a controller
//     init-repository  make a directory a repository
//     dump             one backup now, without a controller
//     verify           read a stored backup back
//     list             what is stored
//
// Reads it, runs the command, returns its exit code: 2 for a wrong command line, else what the command says. LOG_FILE
// in the environment names a file that log lines are also appended to. `stop` was made before any thread.
int RunCommandLine(int argc, char** argv, StopSignal& stop);

}  // namespace backup::agent
