// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "ctl/command_environment.h"

namespace backup::ctl {

// What this process's standard streams are connected to.
Terminal DetectTerminal();

// This process's environment.
std::map<std::string, std::string> ReadVariables();

}  // namespace backup::ctl
