// SPDX-License-Identifier: Apache-2.0
#include "tests/system/program.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/file.h"

namespace backup::testing {
namespace {

// An unnamed file that holds `contents`, read from its beginning.
FileDescriptor MemoryFile(absl::string_view contents) {
  FileDescriptor file(memfd_create("command", MFD_CLOEXEC));
  if (!file.valid()) return file;
  while (!contents.empty()) {
    const ssize_t written = write(file.get(), contents.data(), contents.size());
    if (written <= 0) return FileDescriptor();
    contents.remove_prefix(static_cast<size_t>(written));
  }
  lseek(file.get(), 0, SEEK_SET);
  return file;
}

std::string ContentsOf(const FileDescriptor& file) {
  std::string contents;
  char buffer[1 << 14];
  off_t offset = 0;
  for (ssize_t n = 0; (n = pread(file.get(), buffer, sizeof(buffer), offset)) > 0; offset += n) {
    contents.append(buffer, static_cast<size_t>(n));
  }
  return contents;
}

}  // namespace

std::string ProgramPath(absl::string_view name) {
  if (const char* directory = std::getenv("BACKUPCTL_BIN_DIR"); directory != nullptr) {
    return absl::StrCat(directory, "/", name);
  }
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  return absl::StrCat((self.parent_path().parent_path().parent_path() / "bin").string(), "/", name);
}

CommandResult RunCommand(const std::vector<std::string>& argv, const CommandOptions& options) {
  CommandResult result;
  // Files, not pipes: whatever it writes, it never blocks, and the two streams stay apart.
  const FileDescriptor input = MemoryFile(options.input);
  const FileDescriptor out = MemoryFile("");
  const FileDescriptor err = MemoryFile("");
  ChildOptions child;
  child.argv = argv;
  child.environment = options.environment;
  if (child.environment.empty()) child.environment = {{"PATH", "/usr/bin:/bin"}};
  child.stdin_fd = input.get();
  child.pipe_stdout = false;
  child.stdout_fd = out.get();
  child.stderr_fd = err.get();

  const absl::Duration start = Clock::Real().Monotonic();
  const auto process = ChildProcess::Start(child);
  if (!process.ok()) {
    result.err = process.status().ToString();
    return result;
  }
  const std::optional<ExitStatus> ended = (*process)->Wait(options.timeout);
  result.duration = Clock::Real().Monotonic() - start;
  if (!ended.has_value()) (*process)->Terminate(absl::ZeroDuration());
  result.out = ContentsOf(out);
  result.err = ContentsOf(err);
  if (ended.has_value()) {
    result.exit_code = ended->signal != 0 ? 128 + ended->signal : ended->code;
  } else {
    absl::StrAppend(&result.err, "\n(killed by the test: it ran longer than ", absl::FormatDuration(options.timeout),
                    ")");
  }
  return result;
}

absl::StatusOr<std::unique_ptr<Daemon>> Daemon::Start(std::vector<std::string> argv, Environment environment,
                                                      const std::string& log_file) {
  const FileDescriptor log(open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!log.valid()) return ErrnoToStatus(errno, absl::StrCat("cannot open ", log_file));
  ChildOptions child;
  child.argv = std::move(argv);
  child.environment = std::move(environment);
  child.pipe_stdout = false;
  child.stdout_fd = log.get();
  child.stderr_fd = log.get();
  auto process = ChildProcess::Start(child);
  if (!process.ok()) return process.status();
  return std::unique_ptr<Daemon>(new Daemon(*std::move(process)));
}

Daemon::~Daemon() { Kill(); }

bool Daemon::running() { return !process_->Wait(absl::ZeroDuration()).has_value(); }

ExitStatus Daemon::Stop(absl::Duration grace) { return process_->Terminate(grace); }

void Daemon::Kill() {
  process_->Kill(SIGCONT);
  process_->Kill(SIGKILL);
  process_->Wait(absl::Seconds(30));
}

}  // namespace backup::testing
