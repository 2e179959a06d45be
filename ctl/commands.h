// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ctl/command_tree.h"

namespace backup::ctl {

// Registers every command.
void AddCommands(CommandTree& tree);

// One for each noun, in the file of its name.
void AddStatusCommand(CommandTree& tree);
void AddReportCommand(CommandTree& tree);
void AddBackupCommands(CommandTree& tree);
void AddDrillCommands(CommandTree& tree);
void AddRestoreCommands(CommandTree& tree);
void AddRunCommands(CommandTree& tree);
void AddEventCommands(CommandTree& tree);
void AddFileCommands(CommandTree& tree);  // validate, diff, apply, get, explain
void AddPolicyCommands(CommandTree& tree);
void AddRetentionCommands(CommandTree& tree);
void AddAgentCommands(CommandTree& tree);
void AddDatabaseCommands(CommandTree& tree);
void AddDevCommands(CommandTree& tree);
void AddContextCommands(CommandTree& tree);
void AddVersionCommand(CommandTree& tree);

// Headings of the root's --help.
inline constexpr char kWatchGroup[] = "What is, and what happens";
inline constexpr char kPolicyGroup[] = "What should be";
inline constexpr char kFleetGroup[] = "Where";
inline constexpr char kToolGroup[] = "This program";

}  // namespace backup::ctl
