// SPDX-License-Identifier: Apache-2.0
#include "base/working_directory.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <system_error>

#include "absl/strings/numbers.h"
#include "base/clock.h"
#include "base/file.h"

namespace backup {
namespace {

std::optional<pid_t> FindWorkerIn(const std::string& directory) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    int pid = 0;
    if (!absl::SimpleAtoi(entry.path().filename().string(), &pid)) continue;
    std::error_code hidden;
    const std::filesystem::path works_in = std::filesystem::read_symlink(entry.path() / "cwd", hidden);
    if (!hidden && std::filesystem::equivalent(works_in, directory, hidden) && !hidden) return pid;
  }
  return std::nullopt;
}

}  // namespace

bool AwaitNobodyWorksIn(const std::string& directory, absl::Duration timeout) {
  const absl::Duration deadline = Clock::Real().Monotonic() + timeout;
  while (const std::optional<pid_t> pid = FindWorkerIn(directory)) {
    const FileDescriptor process(static_cast<int>(syscall(SYS_pidfd_open, *pid, 0)));
    if (!process.valid()) continue;  // It has ended.
    const absl::Duration left = deadline - Clock::Real().Monotonic();
    pollfd ended = {process.get(), POLLIN, 0};
    if (left <= absl::ZeroDuration() || poll(&ended, 1, static_cast<int>(absl::ToInt64Milliseconds(left))) == 0) {
      return false;
    }
  }
  return true;
}

}  // namespace backup
