// SPDX-License-Identifier: Apache-2.0
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "ctl/command_tree.h"

namespace backup::ctl {
namespace {

// Names of all flags that take a value, as they are typed: "--output", "-o".
void CollectValueFlags(const CLI::App& node, std::set<std::string>& flags) {
  for (const CLI::Option* option : node.get_options()) {
    if (option->get_items_expected_max() == 0) continue;
    for (const std::string& name : option->get_snames()) flags.insert("-" + name);
    for (const std::string& name : option->get_lnames()) flags.insert("--" + name);
  }
  for (const CLI::App* child : node.get_subcommands([](const CLI::App*) { return true; })) {
    CollectValueFlags(*child, flags);
  }
}

const CLI::App* Child(const CLI::App& node, const std::string& name) {
  for (const CLI::App* child : node.get_subcommands([](const CLI::App*) { return true; })) {
    if (child->get_name() == name) return child;
  }
  return nullptr;
}

absl::Status UnknownCommand(const CLI::App& node, const std::string& path, const std::string& word) {
  std::vector<std::string> words;
  for (const CLI::App* child : node.get_subcommands([](const CLI::App*) { return true; })) {
    words.push_back(child->get_name());
  }
  const std::string near = NearestWord(word, words);
  const std::string prefix = path.empty() ? "backupctl" : absl::StrCat("backupctl ", path);
  return MakeError(absl::StatusCode::kInvalidArgument, "UNKNOWN_COMMAND",
                   absl::StrCat("\"", word, "\" is no command of ", prefix),
                   near.empty() ? absl::StrCat("commands: ", absl::StrJoin(words, ", "))
                                : absl::StrCat("did you mean ", prefix, " ", near, "?"));
}

absl::Status CheckLongFlag(const CLI::App& leaf, const std::string& path, const std::string& flag) {
  if (leaf.get_option_no_throw(flag) != nullptr) return absl::OkStatus();
  std::vector<std::string> names;
  for (const CLI::Option* option : leaf.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  const std::string near = NearestWord(flag, names);
  return MakeError(
      absl::StatusCode::kInvalidArgument, "UNKNOWN_FLAG", absl::StrCat("backupctl ", path, " has no flag ", flag),
      near.empty() ? absl::StrCat("see backupctl ", path, " --help") : absl::StrCat("did you mean ", near, "?"));
}

}  // namespace

absl::StatusOr<ParsedWords> FindCommand(const CommandTree& tree, const std::vector<std::string>& arguments) {
  std::set<std::string> value_flags;
  CollectValueFlags(tree.root(), value_flags);
  ParsedWords words;
  words.node = &tree.root();
  std::vector<std::string> long_flags;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    const bool is_leaf = tree.ActionOf(*words.node) != nullptr;
    if (argument == "--") {
      words.arguments.insert(words.arguments.end(), arguments.begin() + i, arguments.end());
      break;
    }
    if (argument == "-h" || argument == "--help") {
      words.help = true;
    } else if (argument == "--version" && words.path.empty()) {
      words.version = true;
    } else if (argument.size() > 1 && argument[0] == '-') {
      words.arguments.push_back(argument);
      if (absl::StartsWith(argument, "--")) long_flags.push_back(argument.substr(0, argument.find('=')));
      if (value_flags.contains(argument) && i + 1 < arguments.size()) words.arguments.push_back(arguments[++i]);
    } else if (is_leaf) {
      words.arguments.push_back(argument);
    } else {
      const CLI::App* child = Child(*words.node, argument);
      if (child == nullptr) return UnknownCommand(*words.node, words.path, argument);
      words.node = child;
      absl::StrAppend(&words.path, words.path.empty() ? "" : " ", argument);
    }
  }
  if (tree.ActionOf(*words.node) != nullptr && !words.help) {
    for (const std::string& flag : long_flags) RETURN_IF_ERROR(CheckLongFlag(*words.node, words.path, flag));
  }
  return words;
}

}  // namespace backup::ctl
