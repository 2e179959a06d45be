// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "ctl/exit_code.h"
#include "ctl/session.h"

namespace backup::ctl {

// What a leaf does once its flags are read. An error is shown by the caller and gives the exit code.
using CommandAction = std::function<absl::StatusOr<ExitCode>()>;

// What --help tells of one leaf.
struct CommandHelp {
  std::string summary;  // One line, no full stop.
  std::string details;  // May be empty.
  std::string example;  // Command lines, one to a line.
};

// The commands: nouns with verbs below them, and verbs at the root. Flags bind to variables that the action shares:
//
//   auto wait = std::make_shared<bool>(false);
//   CLI::App& run = tree.AddLeaf(noun, "run", {"Back up a database now", "", "backupctl backup run shop --wait"},
//                                [&session, wait] { return RunBackup(session, *wait); });
//   run.add_flag("--wait", *wait, "Wait for the end");
//
// Every leaf also takes the global flags, and --help. A flag of one name takes a value in every command or in none, so
// that flags may stand before the noun and the verb.
class CommandTree {
 public:
  // Borrows `session`.
  explicit CommandTree(Session& session);

  Session& session() { return session_; }
  CLI::App& root() { return root_; }
  const CLI::App& root() const { return root_; }

  // `group` heads a section of the root's --help; groups stand in the order of their first use.
  CLI::App& AddNoun(const std::string& name, const std::string& summary, const std::string& group);
  // Below a noun.
  CLI::App& AddLeaf(CLI::App& noun, const std::string& name, CommandHelp help, CommandAction action);
  // At the root.
  CLI::App& AddRootLeaf(const std::string& name, CommandHelp help, const std::string& group, CommandAction action);

  // Lets a leaf have -o markdown, which others refuse.
  void AcceptMarkdown(CLI::App& leaf);

  // What was registered; null for nodes that are no leaf.
  const CommandHelp* HelpOf(const CLI::App& node) const;
  const CommandAction* ActionOf(const CLI::App& node) const;
  bool AcceptsMarkdown(const CLI::App& node) const;

 private:
  struct Leaf {
    CommandHelp help;
    CommandAction action;
    bool accepts_markdown = false;
  };
  void AddGlobalFlags(CLI::App& leaf);

  Session& session_;
  CLI::App root_;
  std::map<const CLI::App*, Leaf> leaves_;
};

// Heading of the flags that every command takes, in --help.
inline constexpr char kGlobalFlagGroup[] = "Global flags";

// One command line, taken apart by the tree.
struct ParsedWords {
  const CLI::App* node = nullptr;      // The deepest node that was named.
  std::string path;                    // Its words: "backup run".
  std::vector<std::string> arguments;  // Everything else, in order: what a leaf parses.
  bool help = false;                   // -h or --help was among them.
  bool version = false;                // --version was, before any command.
};

// Finds the command's words among the flags that may stand before, between and behind them. INVALID_ARGUMENT
// UNKNOWN_COMMAND with the nearest known word, or UNKNOWN_FLAG likewise.
absl::StatusOr<ParsedWords> FindCommand(const CommandTree& tree, const std::vector<std::string>& arguments);

}  // namespace backup::ctl
