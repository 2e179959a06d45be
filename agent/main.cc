// SPDX-License-Identifier: Apache-2.0
// backup-agent: the daemon on a database host, and one-shot commands that need no controller.
#include "agent/command_line.h"
#include "agent/pipeline/conninfo.h"
#include "base/signals.h"

int main(int argc, char** argv) {
  backup::StopSignal stop;  // Before any thread, so that all threads leave the signals to it.
  backup::ProtectProcessMemory();
  backup::agent::ClearLibpqEnvironment();
  return backup::agent::RunCommandLine(argc, argv, stop);
}
