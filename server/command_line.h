// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "server/config.h"

namespace backup::server {

// What the command line asks for.
struct CommandLine {
  // Nothing when there is nothing to run: help, the version or a mistake was printed.
  std::optional<ControllerOptions> options;
  // Exit code when there is nothing to run: 0, or 2 for a mistake.
  int exit_code = 0;
};

// Flags win over the configuration file, that over defaults. Prints help and version to stdout, mistakes to stderr.
CommandLine ParseCommandLine(int argc, const char* const* argv);

}  // namespace backup::server
