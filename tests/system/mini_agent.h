// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/system/program.h"

namespace backup::testing {

struct MiniAgentDatabase {
  // Id under the agent. Default: the name in the URL.
  std::string id;
  // libpq URL.
  std::string url;
  // Password, put into a file of its own (0600). Default: none is needed.
  std::string password;
};

struct MiniAgentOptions {
  std::string id = "db1";
  std::vector<MiniAgentDatabase> databases;
  // Servers it may restore to: id is the target's name. Default: none.
  std::vector<MiniAgentDatabase> restore_targets;
  // Directory of the artifacts. Default: one of its own in the fleet's directory.
  std::string repository;
  // False: `repository` is there already, or is meant to be missing. Default: it is made.
  bool make_repository = true;
  // Attempts at once. Default: 2.
  int max_runs = 2;
  // Folder of pg_dump. Default: the agent finds it.
  std::string pg_bindir;
  // Where drills make their servers. Default: the product's.
  std::string drill_directory;
  // Labels as YAML flow map, e.g. "{site: berlin}". Default: none.
  std::string labels;
  // Environment beyond PATH and HOME.
  Environment environment;
};

// One agent of a MiniFleet: its files, and its process. Not thread-safe.
class MiniAgent {
 public:
  // Enrols with `token` and writes the configuration; does not start it. `directory` is the agent's own.
  static absl::StatusOr<std::unique_ptr<MiniAgent>> Create(MiniAgentOptions options, const std::string& token,
                                                           const std::string& directory, const std::string& log_file);

  // Starts the daemon; it must not run. Returns as soon as the process is there.
  absl::Status Start();
  // Its process. Kill, pause or stop it as the story wants.
  Daemon& daemon() { return *daemon_; }
  bool started() const { return daemon_ != nullptr; }
  // Writes the configuration anew with these databases; counts from the next Start on.
  absl::Status SetDatabases(std::vector<MiniAgentDatabase> databases);

  const std::string& id() const { return options_.id; }
  const std::string& repository() const { return options_.repository; }
  std::string state_directory() const { return directory_ + "/state"; }
  std::string config_file() const { return directory_ + "/agent.yaml"; }
  // What its programs are run with.
  Environment environment() const;

  // pg_dump and pg_dumpall that it runs now.
  std::vector<pid_t> DumpProcesses() const;
  // Names of directories under the repository of published artifacts, and of unfinished ones (".partial-…"); sorted
  // paths.
  std::vector<std::string> Artifacts() const;
  std::vector<std::string> Partials() const;

 private:
  MiniAgent(MiniAgentOptions options, std::string directory, std::string log_file);
  absl::Status WriteConfig();
  // A list of databases or servers under `key`.
  absl::StatusOr<std::string> ListOf(absl::string_view key, const std::vector<MiniAgentDatabase>& databases) const;

  MiniAgentOptions options_;
  const std::string directory_;
  const std::string log_file_;
  std::unique_ptr<Daemon> daemon_;
};

}  // namespace backup::testing
