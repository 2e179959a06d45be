// SPDX-License-Identifier: Apache-2.0
#include "ctl/run_command_line.h"

#include <algorithm>
#include <optional>
#include <ostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/units.h"
#include "ctl/command_tree.h"
#include "ctl/commands.h"
#include "ctl/error_output.h"
#include "ctl/help.h"
#include "ctl/session.h"

namespace backup::ctl {
namespace {

// Reads the leaf's arguments into its variables. CLI11 tells errors by exceptions; they end here.
absl::Status ParseLeaf(const ParsedWords& words) {
  std::vector<std::string> reversed(words.arguments.rbegin(), words.arguments.rend());
  try {
    const_cast<CLI::App*>(words.node)->parse(std::move(reversed));
  } catch (const CLI::Error& error) {
    return MakeError(absl::StatusCode::kInvalidArgument, "WRONG_USAGE",
                     absl::StrCat("backupctl ", words.path, ": ", error.what()),
                     absl::StrCat("see backupctl ", words.path, " --help"));
  }
  return absl::OkStatus();
}

absl::Status CheckGlobalFlags(const GlobalFlags& flags, bool accepts_markdown) {
  const std::optional<OutputFormat> format = ParseOutputFormat(flags.output);
  if (!format.has_value() || (*format == OutputFormat::kMarkdown && !accepts_markdown)) {
    return MakeError(
        absl::StatusCode::kInvalidArgument, "WRONG_USAGE",
        absl::StrCat("\"", flags.output, "\" is no output format", format.has_value() ? " of this command" : ""),
        accepts_markdown ? "use one of table, wide, markdown, json, jsonl, yaml, name"
                         : "use one of table, wide, json, jsonl, yaml, name");
  }
  const absl::StatusOr<absl::Duration> timeout = backup::ParseDuration(flags.timeout);
  if (!timeout.ok()) return Annotate(timeout.status(), "--timeout");
  if (*timeout <= absl::ZeroDuration()) {
    return MakeError(absl::StatusCode::kInvalidArgument, "WRONG_USAGE", "--timeout must be more than 0",
                     "for example 30s");
  }
  return absl::OkStatus();
}

absl::StatusOr<ExitCode> Run(CommandTree& tree, const std::vector<std::string>& arguments) {
  CommandEnvironment& env = tree.session().environment();
  ASSIGN_OR_RETURN(ParsedWords words, FindCommand(tree, arguments));
  if (words.help) {
    env.out << HelpText(tree, *words.node, words.path);
    return ExitCode::kOk;
  }
  if (words.version) return Run(tree, {"version"});
  const CommandAction* action = tree.ActionOf(*words.node);
  if (action == nullptr) {
    env.err << HelpText(tree, *words.node, words.path);
    return ExitCode::kUsage;
  }
  RETURN_IF_ERROR(ParseLeaf(words));
  RETURN_IF_ERROR(CheckGlobalFlags(tree.session().flags(), tree.AcceptsMarkdown(*words.node)));
  return (*action)();
}

// An error before the flags were read is told as JSON too when they ask for it.
bool AsksForJson(const std::vector<std::string>& arguments) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    for (const char* format : {"json", "jsonl"}) {
      if (argument == absl::StrCat("-o", format) || argument == absl::StrCat("--output=", format)) return true;
      if ((argument == "-o" || argument == "--output") && i + 1 < arguments.size() && arguments[i + 1] == format) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace

ExitCode RunCommandLine(const std::vector<std::string>& arguments, CommandEnvironment& environment) {
  Session session(environment);
  CommandTree tree(session);
  AddCommands(tree);
  const absl::StatusOr<ExitCode> exit_code = Run(tree, arguments);
  environment.out.flush();
  const absl::Status status = exit_code.ok() && environment.out.fail() ? OutputFailed() : exit_code.status();
  if (status.ok()) return *exit_code;
  ErrorStyle style = session.error_style();
  style.json = style.json || AsksForJson(arguments);
  WriteError(status, style, environment.err);
  environment.err.flush();
  return ExitCodeOf(status);
}

}  // namespace backup::ctl
