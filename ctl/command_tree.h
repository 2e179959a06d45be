// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ctl/exit_code.h"
#include "ctl/session.h"

namespace backup::ctl {

// What a leaf does once its flags are read. An error is shown by the caller and gives the exit code.
using CommandAction = std::function<absl::StatusOr<ExitCode>()>;

// What --help tells of one leaf.
struct CommandHelp {
  std::string summary;  // One line, no full stop.
  std::string details;  // Optional: a paragraph or two.
  std::string example;  // Command lines, one to a line.
};

// The commands: nouns with verbs below them, and verbs at the root. Flags bind to variables that the action's closure
// shares:
//
//   auto wait = std::make_shared<bool>(false);
//   CLI::App& run = tree.AddLeaf(noun, "run", {"Back up a database now", "", "backupctl backup run shop --wait"},
//                                [&session, wait] { return RunBackup(session, *wait); });
//   run.add_flag("--wait", *wait, "Wait for the end");
//
// Every leaf also takes the global flags. A flag of one name takes a value in every command or in none, so that flags
// may stand before the noun and verb.
class CommandTree {
 public:
  // Borrows `session`.
  explicit CommandTree(Session& session);

  Session& session() { return session_; }
  CLI::App& root() { return root_; }

  // `group` heads a section of the root's --help.
  CLI::App& AddNoun(const std::string& name, const std::string& summary, const std::string& group);
  // `parent` is the root or a noun. `group` matters at the root only.
  CLI::App& AddLeaf(CLI::App& parent, const std::string& name, CommandHelp help, CommandAction action,
                    const std::string& group = "");

  // What `leaf` was registered with; null for other nodes.
  const CommandHelp* HelpOf(const CLI::App& leaf) const;
  // The action of the leaf that was parsed; null when none was.
  const CommandAction* chosen() const { return chosen_; }

 private:
  struct Leaf {
    CommandHelp help;
    CommandAction action;
  };

  Session& session_;
  CLI::App root_;
  std::map<const CLI::App*, Leaf> leaves_;
  const CommandAction* chosen_ = nullptr;
};

}  // namespace backup::ctl
