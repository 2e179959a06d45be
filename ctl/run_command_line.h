// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "ctl/command_environment.h"
#include "ctl/exit_code.h"

namespace backup::ctl {

// Parses `arguments` (without the program's name) and runs the command: data to environment.out, talk and errors to
// environment.err. May be called within a command to do what another command does.
ExitCode RunCommandLine(const std::vector<std::string>& arguments, CommandEnvironment& environment);

}  // namespace backup::ctl
