// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "ctl/command_tree.h"

namespace backup::ctl {

// What --help prints of the root, a noun or a leaf; `path` is its words, "" for the root.
std::string HelpText(const CommandTree& tree, const CLI::App& node, absl::string_view path);

}  // namespace backup::ctl
