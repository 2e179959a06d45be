// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ctl/commands.h"

namespace backup::ctl {

// The verbs that work on policy files, one file each; AddFileCommands registers all.
void AddValidateCommand(CommandTree& tree);
void AddDiffCommand(CommandTree& tree);
void AddApplyCommand(CommandTree& tree);
void AddGetCommand(CommandTree& tree);
void AddExplainCommand(CommandTree& tree);

// The argument FILE... that they share.
void AddFileArgument(CLI::App& leaf, std::vector<std::string>& files);

}  // namespace backup::ctl
