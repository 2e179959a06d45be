// SPDX-License-Identifier: Apache-2.0
#include "tests/system/mini_agent.h"

#include <algorithm>
#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "tests/system/process_table.h"

namespace backup::testing {
namespace {

std::string Quoted(absl::string_view text) {
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"\"", "\\\""}, {"\n", "\\n"}}), "\"");
}

absl::Status RunOrError(const std::vector<std::string>& argv, const Environment& environment) {
  const CommandResult result = RunCommand(argv, {.environment = environment});
  if (result.exit_code == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(argv[0], " ", argv[1], " exited with ", result.exit_code, ": ", result.err));
}

// Directories under `root` whose name does (not) begin with ".partial-", and that hold files.
std::vector<std::string> ArtifactDirectories(const std::string& root, bool partial) {
  std::vector<std::string> found;
  std::error_code error;
  for (auto it = std::filesystem::recursive_directory_iterator(root, error);
       it != std::filesystem::recursive_directory_iterator(); it.increment(error)) {
    if (error || !it->is_directory()) continue;
    const std::string name = it->path().filename().string();
    const bool is_partial = absl::StartsWith(name, ".partial-");
    const bool is_artifact = std::filesystem::exists(it->path() / "manifest.json", error) && !is_partial;
    if (partial ? is_partial : is_artifact) found.push_back(it->path().string());
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

MiniAgent::MiniAgent(MiniAgentOptions options, std::string directory, std::string log_file)
    : options_(std::move(options)), directory_(std::move(directory)), log_file_(std::move(log_file)) {
  if (options_.repository.empty()) options_.repository = directory_ + "/repository";
}

absl::StatusOr<std::unique_ptr<MiniAgent>> MiniAgent::Create(MiniAgentOptions options, const std::string& token,
                                                             const std::string& directory,
                                                             const std::string& log_file) {
  std::unique_ptr<MiniAgent> agent(new MiniAgent(std::move(options), directory, log_file));
  RETURN_IF_ERROR(MakeDirectories(agent->state_directory()));
  const std::string program = ProgramPath("backup-agent");
  if (agent->options_.make_repository) {
    RETURN_IF_ERROR(RunOrError({program, "init-repository", agent->repository()}, agent->environment()));
  }
  const std::string token_file = directory + "/token";
  RETURN_IF_ERROR(WriteFileAtomically(token_file, token));
  RETURN_IF_ERROR(RunOrError({program, "enroll", "--token-file", token_file, "--state-dir", agent->state_directory()},
                             agent->environment()));
  RETURN_IF_ERROR(agent->WriteConfig());
  return agent;
}

absl::Status MiniAgent::WriteConfig() {
  std::string config = absl::StrCat("apiVersion: backup/v1\nkind: AgentConfig\n",         //
                                    "stateDirectory: ", Quoted(state_directory()), "\n",  //
                                    "repository: ", Quoted(options_.repository), "\n",    //
                                    "maxRuns: ", options_.max_runs, "\n");
  if (!options_.pg_bindir.empty()) absl::StrAppend(&config, "pgBindir: ", Quoted(options_.pg_bindir), "\n");
  if (!options_.drill_directory.empty()) {
    absl::StrAppend(&config, "drillDirectory: ", Quoted(options_.drill_directory), "\n");
  }
  if (!options_.labels.empty()) absl::StrAppend(&config, "labels: ", options_.labels, "\n");
  ASSIGN_OR_RETURN(const std::string databases, ListOf("databases", options_.databases));
  ASSIGN_OR_RETURN(const std::string targets, ListOf("restoreTargets", options_.restore_targets));
  return WriteFileAtomically(config_file(), absl::StrCat(config, databases, targets));
}

absl::StatusOr<std::string> MiniAgent::ListOf(absl::string_view key,
                                              const std::vector<MiniAgentDatabase>& databases) const {
  if (databases.empty()) return std::string();
  std::string list = absl::StrCat(key, ":\n");
  for (size_t i = 0; i < databases.size(); ++i) {
    const MiniAgentDatabase& database = databases[i];
    absl::StrAppend(&list, "  - url: ", Quoted(database.url), "\n");
    if (!database.id.empty()) absl::StrAppend(&list, "    name: ", Quoted(database.id), "\n");
    if (!database.password.empty()) {
      const std::string file = absl::StrCat(directory_, "/password-", key, "-", i);
      RETURN_IF_ERROR(WriteFileAtomically(file, database.password + "\n"));
      absl::StrAppend(&list, "    passwordFile: ", Quoted(file), "\n");
    }
  }
  return list;
}

absl::Status MiniAgent::Start() {
  ASSIGN_OR_RETURN(daemon_, Daemon::Start({ProgramPath("backup-agent"), "run", "--config", config_file()},
                                          environment(), log_file_));
  return absl::OkStatus();
}

absl::Status MiniAgent::SetDatabases(std::vector<MiniAgentDatabase> databases) {
  options_.databases = std::move(databases);
  return WriteConfig();
}

Environment MiniAgent::environment() const {
  Environment environment = {{"PATH", "/usr/bin:/bin"}, {"HOME", directory_}};
  environment.insert(environment.end(), options_.environment.begin(), options_.environment.end());
  return environment;
}

std::vector<pid_t> MiniAgent::DumpProcesses() const {
  std::vector<pid_t> pids;
  if (daemon_ == nullptr) return pids;
  for (const char* name : {"pg_dump", "pg_dumpall"}) {
    for (const ProcessEntry& process : DescendantsNamed(daemon_->pid(), name)) pids.push_back(process.pid);
  }
  return pids;
}

std::vector<std::string> MiniAgent::Artifacts() const { return ArtifactDirectories(options_.repository, false); }

std::vector<std::string> MiniAgent::Partials() const { return ArtifactDirectories(options_.repository, true); }

}  // namespace backup::testing
