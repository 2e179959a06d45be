// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "ctl/command_tree.h"
#include "ctl/table.h"

namespace backup::ctl {

// `retention simulate` and `retention explain`.
void AddRetentionForecastCommands(CommandTree& tree, CLI::App& noun);

// Why the backup is kept and when it will go, for its description. Empty when the controller cannot tell, which is said
// on stderr unless it is only older than this program.
std::vector<Fact> ReadOutlookFacts(Session& session, Client& client, const std::string& backup);

}  // namespace backup::ctl
