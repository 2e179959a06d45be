// SPDX-License-Identifier: Apache-2.0
#include "ctl/dev_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "ctl/dev_wait.h"

namespace backup::ctl {
namespace {

std::string BootId() {
  const auto id = ReadFile("/proc/sys/kernel/random/boot_id");
  return id.ok() ? std::string(absl::StripAsciiWhitespace(*id)) : "unknown";
}

// Start time of a process that has not ended; nothing otherwise.
std::optional<uint64_t> StartTicks(pid_t pid) {
  const auto stat = ReadFile(absl::StrCat("/proc/", pid, "/stat"));
  if (!stat.ok()) return std::nullopt;
  // The name in parentheses may hold anything; from its end on: state, then eighteen numbers, then the start time.
  const size_t close = stat->rfind(')');
  if (close == std::string::npos) return std::nullopt;
  std::istringstream rest(stat->substr(close + 1));
  std::string state;
  rest >> state;
  if (state == "Z" || state == "X") return std::nullopt;
  std::string skipped;
  for (int i = 0; i < 18; ++i) rest >> skipped;
  uint64_t ticks = 0;
  if (!(rest >> ticks)) return std::nullopt;
  return ticks;
}

bool Runs(const DetachedProcess& process) {
  return process.boot_id == BootId() && StartTicks(process.pid) == process.start_ticks;
}

// posix_spawn's two settings objects, freed at the end.
struct SpawnSettings {
  SpawnSettings() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

absl::StatusOr<pid_t> Spawn(const DetachedOptions& options, int log_fd) {
  SpawnSettings settings;
  posix_spawn_file_actions_addopen(&settings.actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&settings.actions, log_fd, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&settings.actions, log_fd, STDERR_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&settings.actions, STDERR_FILENO + 1);
  posix_spawn_file_actions_addchdir_np(&settings.actions, "/");
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&settings.attributes, &none);
  posix_spawnattr_setsigdefault(&settings.attributes, &all);
  posix_spawnattr_setflags(&settings.attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  std::vector<std::string> words = options.argv;
  if (!options.run_as_user.empty()) {
    words.insert(words.begin(), {"/usr/bin/setpriv", "--reuid=" + options.run_as_user, "--regid=" + options.run_as_user,
                                 "--init-groups", "--"});
  }
  std::vector<std::string> variables;
  for (const auto& [name, value] : options.environment) variables.push_back(absl::StrCat(name, "=", value));
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::vector<char*> environment;
  for (std::string& variable : variables) environment.push_back(variable.data());
  environment.push_back(nullptr);

  pid_t pid = 0;
  const int error =
      posix_spawn(&pid, argv[0], &settings.actions, &settings.attributes, argv.data(), environment.data());
  if (error != 0) {
    return MakeError(absl::StatusCode::kInternal, "SPAWN_FAILED",
                     absl::StrCat("cannot start ", options.argv[0], ": ", ErrnoToStatus(error, "spawn").message()));
  }
  return pid;
}

}  // namespace

absl::StatusOr<DetachedProcess> StartDetached(const DetachedOptions& options, const std::string& process_file) {
  const FileDescriptor log(open(options.log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!log.valid()) return ErrnoToStatus(errno, absl::StrCat("cannot open ", options.log_file));
  DetachedProcess process;
  process.boot_id = BootId();
  ASSIGN_OR_RETURN(process.pid, Spawn(options, log.get()));
  // It is our child still, so its entry stays until we have looked, even if it ended at once.
  process.start_ticks = StartTicks(process.pid).value_or(0);
  RETURN_IF_ERROR(WriteFileAtomically(process_file,
                                      absl::StrCat(process.pid, " ", process.start_ticks, " ", process.boot_id, "\n")));
  return process;
}

std::optional<DetachedProcess> FindDetached(const std::string& process_file) {
  const auto text = ReadFile(process_file);
  if (!text.ok()) return std::nullopt;
  DetachedProcess process;
  std::istringstream words(*text);
  if (!(words >> process.pid >> process.start_ticks >> process.boot_id) || process.pid <= 1) return std::nullopt;
  return Runs(process) ? std::optional(process) : std::nullopt;
}

absl::Status StopDetached(const std::string& process_file, int signal, absl::Duration grace, Cancellation& interrupt) {
  if (const std::optional<DetachedProcess> process = FindDetached(process_file); process.has_value()) {
    // The descriptor means this very process whatever becomes of its number; it is ours if it runs still after opening.
    const FileDescriptor handle(static_cast<int>(syscall(SYS_pidfd_open, process->pid, 0)));
    const auto gone = [&] { return !Runs(*process); };
    const auto send = [&](int number) {
      if (handle.valid() && !gone()) syscall(SYS_pidfd_send_signal, handle.get(), number, nullptr, 0);
    };
    send(signal);
    if (!WaitUntil(grace, interrupt, gone) && !interrupt.cancelled()) {
      send(SIGKILL);
      if (!WaitUntil(absl::Seconds(10), interrupt, gone) && !interrupt.cancelled()) {
        return MakeError(absl::StatusCode::kDeadlineExceeded, "DEV_PROCESS_STAYS",
                         absl::StrCat("process ", process->pid, " does not end, not even by SIGKILL"),
                         "end it as the user who owns it, then try again");
      }
    }
    if (interrupt.cancelled()) return MakeError(absl::StatusCode::kCancelled, "INTERRUPTED", "interrupted");
  }
  if (unlink(process_file.c_str()) != 0 && errno != ENOENT) {
    return ErrnoToStatus(errno, absl::StrCat("cannot remove ", process_file));
  }
  return absl::OkStatus();
}

}  // namespace backup::ctl
