// SPDX-License-Identifier: Apache-2.0
// backupctl: the client for people and scripts.
#include <iostream>
#include <string>
#include <vector>

#include "base/cancellation.h"
#include "base/clock.h"
#include "base/random.h"
#include "ctl/command_environment.h"
#include "ctl/interrupt.h"
#include "ctl/run_command_line.h"
#include "ctl/terminal.h"

int main(int argc, char** argv) {
  backup::Cancellation interrupt;
  const backup::ctl::InterruptWatcher watcher(interrupt);
  backup::ctl::CommandEnvironment environment{
      .in = std::cin,
      .out = std::cout,
      .err = std::cerr,
      .clock = backup::Clock::Real(),
      .random = backup::Random::Real(),
      .interrupt = interrupt,
      .open_channel = backup::ctl::OpenTlsChannel,
      .terminal = backup::ctl::DetectTerminal(),
      .variables = backup::ctl::ReadVariables(),
      .program = argv[0],
  };
  return static_cast<int>(backup::ctl::RunCommandLine(std::vector<std::string>(argv + 1, argv + argc), environment));
}
