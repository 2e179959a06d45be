// SPDX-License-Identifier: Apache-2.0
#include "ctl/commands.h"

namespace backup::ctl {

void AddCommands(CommandTree& tree) {
  AddStatusCommand(tree);
  AddReportCommand(tree);
  AddBackupCommands(tree);
  AddRestoreCommands(tree);
  AddDrillCommands(tree);
  AddRunCommands(tree);
  AddEventCommands(tree);
  AddFileCommands(tree);
  AddPolicyCommands(tree);
  AddRetentionCommands(tree);
  AddDatabaseCommands(tree);
  AddAgentCommands(tree);
  AddDevCommands(tree);
  AddContextCommands(tree);
  AddVersionCommand(tree);
}

}  // namespace backup::ctl
