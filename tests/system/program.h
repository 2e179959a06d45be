// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/child_process.h"

namespace backup::testing {

using Environment = std::vector<std::pair<std::string, std::string>>;

// Path of one of our programs, e.g. "backup-agent": in $BACKUPCTL_BIN_DIR, which ctest sets; without it, in bin/ beside
// the folder of this test.
std::string ProgramPath(absl::string_view name);

// How a program ended, and what it wrote.
struct CommandResult {
  // 128 + N when signal N ended it; -1 when it could not be started or took too long (`err` says which).
  int exit_code = -1;
  std::string out;
  std::string err;
  absl::Duration duration;
};

struct CommandOptions {
  // The whole environment. Default: nothing but PATH.
  Environment environment;
  // What it reads from stdin.
  std::string input;
  // It is killed after that. Default: 60 s.
  absl::Duration timeout = absl::Seconds(60);
};

// Runs `argv` to its end. argv[0] is an absolute path.
CommandResult RunCommand(const std::vector<std::string>& argv, const CommandOptions& options = {});

// A program of ours that runs until it is stopped; it dies with this process. stdout and stderr go to a file.
class Daemon {
 public:
  static absl::StatusOr<std::unique_ptr<Daemon>> Start(std::vector<std::string> argv, Environment environment,
                                                       const std::string& log_file);
  // Kills it.
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  pid_t pid() const { return process_->pid(); }
  bool running();
  // SIGTERM; SIGKILL after `grace`. How it ended.
  ExitStatus Stop(absl::Duration grace = absl::Seconds(20));
  // kill -9, and waits until it is gone.
  void Kill();
  // SIGSTOP and SIGCONT: a process, or its host, that hangs for a while.
  void Pause() { process_->Kill(SIGSTOP); }
  void Resume() { process_->Kill(SIGCONT); }

 private:
  explicit Daemon(std::unique_ptr<ChildProcess> process) : process_(std::move(process)) {}
  std::unique_ptr<ChildProcess> process_;
};

}  // namespace backup::testing
