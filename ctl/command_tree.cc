// SPDX-License-Identifier: Apache-2.0
#include "ctl/command_tree.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace backup::ctl {

CommandTree::CommandTree(Session& session) : session_(session), root_("", "backupctl") { root_.set_help_flag(); }

CLI::App& CommandTree::AddNoun(const std::string& name, const std::string& summary, const std::string& group) {
  CLI::App* noun = root_.add_subcommand(name, summary);
  noun->set_help_flag();
  noun->group(group);
  return *noun;
}

CLI::App& CommandTree::AddLeaf(CLI::App& noun, const std::string& name, CommandHelp help, CommandAction action) {
  CLI::App* leaf = noun.add_subcommand(name, help.summary);
  leaf->set_help_flag();
  AddGlobalFlags(*leaf);
  leaves_[leaf] = {std::move(help), std::move(action), false};
  return *leaf;
}

CLI::App& CommandTree::AddRootLeaf(const std::string& name, CommandHelp help, const std::string& group,
                                   CommandAction action) {
  CLI::App& leaf = AddLeaf(root_, name, std::move(help), std::move(action));
  leaf.group(group);
  return leaf;
}

void CommandTree::AddGlobalFlags(CLI::App& leaf) {
  GlobalFlags& flags = session_.flags();
  const auto add = [&](const char* names, std::string& variable, const char* type, const char* text) {
    return leaf.add_option(names, variable, text)->type_name(type)->group(kGlobalFlagGroup);
  };
  add("-o,--output", flags.output, "FORMAT", "table, wide, json, jsonl, yaml or name");
  add("--context", flags.context, "NAME",
      "the controller to talk to (default: $BACKUPCTL_CONTEXT, or the current one)");
  add("--controller", flags.controller, "HOST:PORT", "instead of the context's controller");
  add("--ca", flags.ca, "FILE", "instead of the context's CA certificate");
  add("--certificate", flags.certificate, "FILE", "instead of the context's client certificate");
  add("--key", flags.key, "FILE", "instead of the context's private key");
  add("--config", flags.config, "FILE",
      "where contexts are kept (default: $BACKUPCTL_CONFIG, or ~/.config/backupctl/config.yaml)");
  add("--timeout", flags.timeout, "DURATION", "how long one call may take (default: 10s)");
  leaf.add_flag("--no-color", flags.no_color, "no colours; NO_COLOR in the environment does the same")
      ->group(kGlobalFlagGroup);
}

void CommandTree::AcceptMarkdown(CLI::App& leaf) {
  leaves_.at(&leaf).accepts_markdown = true;
  leaf.get_option("--output")->description("table, wide, markdown, json, jsonl, yaml or name");
}

const CommandHelp* CommandTree::HelpOf(const CLI::App& node) const {
  const auto it = leaves_.find(&node);
  return it == leaves_.end() ? nullptr : &it->second.help;
}

const CommandAction* CommandTree::ActionOf(const CLI::App& node) const {
  const auto it = leaves_.find(&node);
  return it == leaves_.end() ? nullptr : &it->second.action;
}

bool CommandTree::AcceptsMarkdown(const CLI::App& node) const {
  const auto it = leaves_.find(&node);
  return it != leaves_.end() && it->second.accepts_markdown;
}

}  // namespace backup::ctl
