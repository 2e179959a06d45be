// SPDX-License-Identifier: Apache-2.0
#include "ctl/file_commands.h"

namespace backup::ctl {

void AddFileArgument(CLI::App& leaf, std::vector<std::string>& files) {
  leaf.add_option("FILE", files, "policy files, directories of *.yaml, or - for stdin")->required();
  // What the fingers of kubectl's users type: the file stands behind it either way.
  leaf.add_flag("-f")->group("");
}

void AddFileCommands(CommandTree& tree) {
  AddValidateCommand(tree);
  AddDiffCommand(tree);
  AddApplyCommand(tree);
  AddGetCommand(tree);
  AddExplainCommand(tree);
}

}  // namespace backup::ctl
