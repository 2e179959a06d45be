// SPDX-License-Identifier: Apache-2.0
#include "ctl/help.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace backup::ctl {
namespace {

constexpr char kExitCodes[] =
    R"(Exit codes:
  0    ok                                 5    controller unreachable, or deadline
  1    failed (diff: there is a           6    conflict or precondition
       difference)                        7    partial: some of several were done
  2    wrong usage or invalid file        8    the backup is bad
  3    not found                          130  interrupted
  4    not authenticated or not allowed
)";

using Lines = std::vector<std::pair<std::string, std::string>>;

std::string Section(absl::string_view title, const Lines& lines) {
  if (lines.empty()) return "";
  size_t width = 0;
  for (const auto& [left, right] : lines) width = std::max(width, left.size());
  std::string out = absl::StrCat("\n", title, ":\n");
  for (const auto& [left, right] : lines) {
    absl::StrAppend(&out, "  ", left, std::string(width - left.size() + 2, ' '), right, "\n");
  }
  return out;
}

std::vector<const CLI::App*> Children(const CLI::App& node) {
  return node.get_subcommands([](const CLI::App*) { return true; });
}

std::string SummaryOf(const CLI::App& node) {
  std::vector<std::string> verbs;
  for (const CLI::App* child : Children(node)) verbs.push_back(child->get_name());
  if (verbs.empty()) return node.get_description();
  return absl::StrCat(node.get_description(), " (", absl::StrJoin(verbs, ", "), ")");
}

std::string RootHelp(const CLI::App& root) {
  std::string out =
      "backupctl keeps the backups of a fleet of PostgreSQL servers, and proves that the data comes back.\n"
      "\nUsage: backupctl COMMAND [VERB] [ARGUMENTS] [FLAGS]\n";
  std::vector<std::string> groups;
  for (const CLI::App* child : Children(root)) {
    if (std::find(groups.begin(), groups.end(), child->get_group()) == groups.end()) {
      groups.push_back(child->get_group());
    }
  }
  size_t width = 0;
  for (const CLI::App* child : Children(root)) width = std::max(width, child->get_name().size());
  for (const std::string& group : groups) {
    absl::StrAppend(&out, "\n", group, ":\n");
    for (const CLI::App* child : Children(root)) {
      if (child->get_group() != group) continue;
      const std::string padding(width - child->get_name().size() + 2, ' ');
      absl::StrAppend(&out, "  ", child->get_name(), padding, SummaryOf(*child), "\n");
    }
  }
  return absl::StrCat(out, "\nbackupctl COMMAND [VERB] --help tells more of each, with an example.\n\n", kExitCodes);
}

std::string NounHelp(const CLI::App& noun, absl::string_view path) {
  Lines verbs;
  for (const CLI::App* child : Children(noun)) verbs.emplace_back(child->get_name(), child->get_description());
  return absl::StrCat(noun.get_description(), ".\n\nUsage: backupctl ", path, " VERB [ARGUMENTS] [FLAGS]\n",
                      Section("Verbs", verbs), "\nbackupctl ", path, " VERB --help tells more of each.\n");
}

std::string FlagLabel(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  std::string label = absl::StrJoin(names, ", ");
  if (option.get_items_expected_max() > 0) absl::StrAppend(&label, " ", option.get_type_name());
  return label;
}

std::string LeafHelp(const CLI::App& leaf, const CommandHelp& help, absl::string_view path) {
  std::string usage = absl::StrCat("backupctl ", path);
  Lines positionals;
  Lines flags;
  Lines global_flags;
  for (const CLI::Option* option : leaf.get_options()) {
    if (option->get_group().empty()) continue;  // Hidden.
    if (option->get_positional()) {
      const std::string name = option->get_name(true);
      const std::string label = absl::StrCat(name, option->get_items_expected_max() > 1 ? "..." : "");
      absl::StrAppend(&usage, " ", option->get_required() ? label : absl::StrCat("[", label, "]"));
      positionals.emplace_back(label, option->get_description());
    } else {
      Lines& section = option->get_group() == kGlobalFlagGroup ? global_flags : flags;
      section.emplace_back(FlagLabel(*option), option->get_description());
    }
  }
  std::string out = absl::StrCat(help.summary, ".\n\nUsage: ", usage, " [FLAGS]\n");
  if (!help.details.empty()) absl::StrAppend(&out, "\n", help.details, "\n");
  absl::StrAppend(&out, Section("Arguments", positionals), Section("Flags", flags), "\nExample:\n");
  for (absl::string_view line : absl::StrSplit(help.example, '\n')) absl::StrAppend(&out, "  ", line, "\n");
  return absl::StrCat(out, Section(kGlobalFlagGroup, global_flags));
}

}  // namespace

std::string HelpText(const CommandTree& tree, const CLI::App& node, absl::string_view path) {
  if (const CommandHelp* help = tree.HelpOf(node); help != nullptr) return LeafHelp(node, *help, path);
  return path.empty() ? RootHelp(node) : NounHelp(node, path);
}

}  // namespace backup::ctl
