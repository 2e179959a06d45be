// SPDX-License-Identifier: Apache-2.0
#include "ctl/dev_programs.h"

#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/child_process.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "ctl/dev_process.h"
#include "ctl/dev_wait.h"

namespace backup::ctl {
namespace {

using Environment = std::vector<std::pair<std::string, std::string>>;

Environment CleanEnvironment(const DevLayout& layout) { return {{"PATH", "/usr/bin:/bin"}, {"HOME", layout.root}}; }

std::string AddressFile(const DevLayout& layout) { return layout.controller_directory() + "/address"; }

// A string for YAML, in double quotes.
std::string Quoted(absl::string_view text) {
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"\"", "\\\""}, {"\n", "\\n"}, {"\t", "\\t"}}),
                      "\"");
}

absl::Status RunAgentCommand(std::vector<std::string> argv, const Environment& environment) {
  ChildOptions child;
  child.argv = std::move(argv);
  child.environment = environment;
  return RunAndCollect(child, absl::Seconds(30)).status();
}

}  // namespace

absl::StatusOr<std::string> FindProgram(const CommandEnvironment& environment, const std::string& name) {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  std::vector<std::string> directories = {self.parent_path().string()};
  for (const absl::string_view directory : absl::StrSplit(environment.Variable("PATH"), ':', absl::SkipEmpty())) {
    if (directory[0] == '/') directories.emplace_back(directory);
  }
  for (const std::string& directory : directories) {
    const std::string path = absl::StrCat(directory, "/", name);
    if (std::filesystem::is_regular_file(path, error) && access(path.c_str(), X_OK) == 0) return path;
  }
  return MakeError(absl::StatusCode::kNotFound, "PROGRAM_NOT_FOUND",
                   absl::StrCat("there is no ", name, " beside backupctl, nor in PATH"),
                   "install it, or build it: cmake --build --preset release");
}

absl::Status StartDevController(const DevLayout& layout, const std::string& program) {
  if (FindDetached(layout.process_file("controller")).has_value()) return absl::OkStatus();
  const auto before = ReadFile(AddressFile(layout));
  // An old file would be taken for the word of the new process.
  if (before.ok() && unlink(AddressFile(layout).c_str()) != 0) {
    return ErrnoToStatus(errno, absl::StrCat("cannot remove ", AddressFile(layout)));
  }
  DetachedOptions options;
  // The agent and the context know the old address.
  options.argv = {program, "--data-dir", layout.controller_directory(), "--listen",
                  before.ok() ? std::string(absl::StripAsciiWhitespace(*before)) : "127.0.0.1:0"};
  options.environment = CleanEnvironment(layout);
  options.log_file = layout.log_of("controller");
  return StartDetached(options, layout.process_file("controller")).status();
}

absl::StatusOr<std::string> AwaitDevController(const DevLayout& layout, Cancellation& interrupt) {
  const auto runs = [&] { return FindDetached(layout.process_file("controller")).has_value(); };
  WaitUntil(absl::Seconds(60), interrupt, [&] { return ReadFile(AddressFile(layout)).ok() || !runs(); });
  if (interrupt.cancelled()) return MakeError(absl::StatusCode::kCancelled, "INTERRUPTED", "interrupted");
  const auto address = ReadFile(AddressFile(layout));
  if (address.ok() && runs()) return std::string(absl::StripAsciiWhitespace(*address));
  return MakeError(absl::StatusCode::kInternal, "DEV_CONTROLLER_FAILED",
                   absl::StrCat("the controller does not serve; ", EndOfLog(layout, "controller")),
                   absl::StrCat("see ", layout.log_of("controller")));
}

std::string EndOfLog(const DevLayout& layout, const std::string& name) {
  constexpr std::ptrdiff_t kLineCount = 5;
  const std::string log = ReadFile(layout.log_of(name), 64 << 20).value_or("");
  std::vector<absl::string_view> lines = absl::StrSplit(log, '\n', absl::SkipEmpty());
  if (std::ssize(lines) > kLineCount) lines.erase(lines.begin(), lines.end() - kLineCount);
  return absl::StrCat("the end of its log:\n", absl::StrJoin(lines, "\n"));
}

std::string DevAgentConfigText(const DevLayout& layout, const DevSettings& settings) {
  return absl::StrCat("# Written by backupctl dev up.\napiVersion: backup/v1\nkind: AgentConfig\nstateDirectory: ",
                      Quoted(layout.agent_state_directory()), "\nrepository: ", Quoted(settings.repository),
                      "\ndatabases:\n  - url: ", Quoted(settings.url),
                      "\nrestoreTargets:\n  - name: local\n    url: ", Quoted(settings.url), "\n");
}

absl::Status InitDevRepository(const std::string& agent_program, const std::string& repository) {
  return RunAgentCommand({agent_program, "init-repository", repository}, {{"PATH", "/usr/bin:/bin"}});
}

absl::Status EnrollDevAgent(const DevLayout& layout, const std::string& agent_program, const std::string& token) {
  RETURN_IF_ERROR(MakeDirectories(layout.agent_state_directory()));
  const std::string token_file = layout.root + "/token";
  RETURN_IF_ERROR(WriteFileAtomically(token_file, token + "\n"));
  const absl::Status enrolled = RunAgentCommand(
      {agent_program, "enroll", "--token-file", token_file, "--state-dir", layout.agent_state_directory()},
      CleanEnvironment(layout));
  unlink(token_file.c_str());
  return enrolled;
}

bool IsDevAgentEnrolled(const DevLayout& layout) {
  return access((layout.agent_state_directory() + "/identity/agent.crt").c_str(), R_OK) == 0;
}

absl::StatusOr<bool> EnsureDevAgent(const DevLayout& layout, const std::string& agent_program,
                                    const std::string& config, Cancellation& interrupt) {
  const std::string process_file = layout.process_file("agent");
  const auto before = ReadFile(layout.agent_config());
  if (!before.ok() || *before != config) {
    RETURN_IF_ERROR(StopDetached(process_file, SIGTERM, absl::Seconds(15), interrupt));
    RETURN_IF_ERROR(WriteFileAtomically(layout.agent_config(), config));
  }
  if (FindDetached(process_file).has_value()) return false;
  DetachedOptions options;
  options.argv = {agent_program, "run", "--config", layout.agent_config()};
  options.environment = CleanEnvironment(layout);
  options.log_file = layout.log_of("agent");
  RETURN_IF_ERROR(StartDetached(options, process_file).status());
  return true;
}

}  // namespace backup::ctl
