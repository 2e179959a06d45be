// SPDX-License-Identifier: Apache-2.0
#include "base/child_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

// glibc 2.36 declares pidfd_open without C linkage.
extern "C" {
#include <sys/syscall.h>
}

#include <algorithm>
#include <cstdint>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace backup {
namespace {

constexpr char kSetpriv[] = "/usr/bin/setpriv";
constexpr char kNice[] = "/usr/bin/nice";

absl::Status SpawnFailed(absl::string_view what, int error_number) {
  return MakeError(absl::StatusCode::kInternal, "SPAWN_FAILED",
                   absl::StrCat(CleanText(what), ": ", std::generic_category().message(error_number)));
}

absl::Status CheckProgram(const std::string& path, absl::string_view hint) {
  struct stat info;
  const bool found = absl::StartsWith(path, "/") && stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
                     access(path.c_str(), X_OK) == 0;
  if (found) return absl::OkStatus();
  return MakeError(absl::StatusCode::kNotFound, "PROGRAM_NOT_FOUND",
                   absl::StrCat("program \"", CleanText(path, 256), "\" is not there or not executable"), hint,
                   {{"program", path}});
}

// Descriptors 0 to 2 are about to be replaced in the child; when this process runs without them, a pipe may get one of
// their numbers.
absl::StatusOr<FileDescriptor> AboveStandardStreams(FileDescriptor fd) {
  if (fd.get() > STDERR_FILENO) return fd;
  FileDescriptor moved(fcntl(fd.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!moved.valid()) return SpawnFailed("cannot move a descriptor", errno);
  return moved;
}

absl::StatusOr<FileDescriptor> Duplicate(int fd) {
  FileDescriptor copy(fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!copy.valid()) return SpawnFailed("cannot duplicate a descriptor", errno);
  return copy;
}

absl::StatusOr<FileDescriptor> OpenNull() {
  FileDescriptor null(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null.valid()) return SpawnFailed("cannot open /dev/null", errno);
  return AboveStandardStreams(std::move(null));
}

struct Pipe {
  FileDescriptor read_end;
  FileDescriptor write_end;
};

absl::StatusOr<Pipe> MakePipe() {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return SpawnFailed("cannot make a pipe", errno);
  Pipe pipe{FileDescriptor(fds[0]), FileDescriptor(fds[1])};
  ASSIGN_OR_RETURN(pipe.read_end, AboveStandardStreams(std::move(pipe.read_end)));
  ASSIGN_OR_RETURN(pipe.write_end, AboveStandardStreams(std::move(pipe.write_end)));
  return pipe;
}

// argv with the helper programs in front that do what posix_spawn cannot. `setpriv` takes the death signal after the
// change of user, which would clear it.
absl::StatusOr<std::vector<std::string>> FullArgv(const ChildOptions& options) {
  if (options.argv.empty()) return CheckProgram("", "");
  RETURN_IF_ERROR(CheckProgram(options.argv[0], ""));
  std::vector<std::string> argv;
  if (options.niceness > 0) {
    RETURN_IF_ERROR(CheckProgram(kNice, "install coreutils"));
    argv = {kNice, "-n", absl::StrCat(options.niceness), "--"};
  }
  if (options.death_signal != 0 || options.run_as_user.has_value()) {
    RETURN_IF_ERROR(CheckProgram(kSetpriv, "install util-linux"));
    argv.emplace_back(kSetpriv);
  }
  if (options.run_as_user.has_value()) {
    passwd entry;
    passwd* found = nullptr;
    std::vector<char> buffer(16 << 10);
    getpwnam_r(options.run_as_user->c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (found == nullptr) {
      return MakeError(absl::StatusCode::kInternal, "SPAWN_FAILED",
                       absl::StrCat("there is no user \"", CleanText(*options.run_as_user, 64), "\""));
    }
    argv.push_back(absl::StrCat("--reuid=", entry.pw_uid));
    argv.push_back(absl::StrCat("--regid=", entry.pw_gid));
    argv.emplace_back("--init-groups");
  }
  if (options.death_signal != 0) {
    // By name: setpriv takes no numbers.
    const char* const signal_name = sigabbrev_np(options.death_signal);
    if (signal_name == nullptr) return SpawnFailed("there is no such death signal", EINVAL);
    argv.insert(argv.end(), {"--pdeathsig", signal_name});
  }
  if (!argv.empty() && argv.back() != "--") argv.emplace_back("--");
  argv.insert(argv.end(), options.argv.begin(), options.argv.end());
  return argv;
}

class SpawnActions {
 public:
  SpawnActions() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
  }
  ~SpawnActions() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;

  // 0 or an error number.
  int Prepare(int in, int out, int err, const std::string& directory) {
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    const int16_t flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    int error = posix_spawnattr_setflags(&attributes_, flags);
    if (error == 0) error = posix_spawnattr_setpgroup(&attributes_, 0);
    if (error == 0) error = posix_spawnattr_setsigmask(&attributes_, &none);
    if (error == 0) error = posix_spawnattr_setsigdefault(&attributes_, &all);
    if (error == 0) error = posix_spawn_file_actions_adddup2(&actions_, in, STDIN_FILENO);
    if (error == 0) error = posix_spawn_file_actions_adddup2(&actions_, out, STDOUT_FILENO);
    if (error == 0) error = posix_spawn_file_actions_adddup2(&actions_, err, STDERR_FILENO);
    if (error == 0) error = posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
    if (error == 0) error = posix_spawn_file_actions_addchdir_np(&actions_, directory.c_str());
    return error;
  }

  int Run(pid_t* pid, const std::vector<std::string>& argv, const std::vector<std::string>& environment) {
    std::vector<char*> arguments = Pointers(argv);
    std::vector<char*> variables = Pointers(environment);
    return posix_spawn(pid, arguments[0], &actions_, &attributes_, arguments.data(), variables.data());
  }

 private:
  static std::vector<char*> Pointers(const std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
    pointers.push_back(nullptr);
    return pointers;
  }

  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

// A text with a NUL inside would reach the child cut.
bool HasNul(const ChildOptions& options) {
  for (const std::string& argument : options.argv) {
    if (absl::StrContains(argument, absl::string_view("\0", 1))) return true;
  }
  return std::any_of(options.environment.begin(), options.environment.end(), [](const auto& variable) {
    return absl::StrContains(variable.first, absl::string_view("\0", 1)) ||
           absl::StrContains(variable.second, absl::string_view("\0", 1));
  });
}

}  // namespace

absl::StatusOr<SpawnedChild> Spawn(const ChildOptions& options) {
  if (HasNul(options)) return SpawnFailed("an argument or variable holds a NUL byte", EINVAL);
  ASSIGN_OR_RETURN(const std::vector<std::string> argv, FullArgv(options));
  std::vector<std::string> environment;
  for (const auto& [name, value] : options.environment) environment.push_back(absl::StrCat(name, "=", value));

  SpawnedChild child;
  FileDescriptor in, out, err;
  if (options.stdin_fd >= 0) {
    ASSIGN_OR_RETURN(in, Duplicate(options.stdin_fd));
  } else {
    ASSIGN_OR_RETURN(in, OpenNull());
  }
  if (options.stdout_fd >= 0) {
    ASSIGN_OR_RETURN(out, Duplicate(options.stdout_fd));
  } else if (options.pipe_stdout) {
    ASSIGN_OR_RETURN(Pipe pipe, MakePipe());
    fcntl(pipe.read_end.get(), F_SETFL, O_NONBLOCK);
    child.stdout_pipe = std::move(pipe.read_end);
    out = std::move(pipe.write_end);
  } else {
    ASSIGN_OR_RETURN(out, OpenNull());
  }
  if (options.stderr_fd >= 0) {
    ASSIGN_OR_RETURN(err, Duplicate(options.stderr_fd));
  } else {
    ASSIGN_OR_RETURN(Pipe pipe, MakePipe());
    child.stderr_pipe = std::move(pipe.read_end);
    err = std::move(pipe.write_end);
  }

  SpawnActions actions;
  int error = actions.Prepare(in.get(), out.get(), err.get(), options.directory);
  if (error == 0) error = actions.Run(&child.pid, argv, environment);
  if (error != 0) return SpawnFailed(absl::StrCat("cannot start ", options.argv[0]), error);
  // Not pidfd_open(): glibc 2.36 declares it without C linkage. The descriptor is close-on-exec by itself.
  child.pidfd = FileDescriptor(static_cast<int>(syscall(SYS_pidfd_open, child.pid, 0)));
  if (!child.pidfd.valid()) {
    const int pidfd_error = errno;
    kill(-child.pid, SIGKILL);
    waitpid(child.pid, nullptr, 0);
    return SpawnFailed(absl::StrCat("cannot watch ", options.argv[0]), pidfd_error);
  }
  return child;
}

}  // namespace backup
