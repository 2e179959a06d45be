// SPDX-License-Identifier: Apache-2.0
#include "base/child_process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "absl/strings/str_cat.h"
#include "base/child_spawn.h"
#include "base/child_stderr.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "base/units.h"

namespace backup {
namespace {

// The time from its making on, for waits in several steps.
class Deadline {
 public:
  explicit Deadline(absl::Duration timeout) : timeout_(timeout) {}
  absl::Duration Left() const {
    const absl::Duration spent = absl::FromChrono(std::chrono::steady_clock::now() - start_);
    return std::max(timeout_ - spent, absl::ZeroDuration());
  }

 private:
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  const absl::Duration timeout_;
};

enum class Readiness { kReady, kTimeout, kCancelled };

// Waits until `fd` is readable, at its end, or in error.
Readiness WaitReadable(int fd, absl::Duration timeout, Cancellation* cancellation) {
  const Deadline deadline(timeout);
  const FileDescriptor wake_up(cancellation == nullptr ? -1 : eventfd(0, EFD_CLOEXEC));
  std::optional<Cancellation::Registration> registration;
  if (cancellation != nullptr) {
    registration.emplace(*cancellation, [&wake_up] { eventfd_write(wake_up.get(), 1); });
  }
  while (true) {
    const absl::Duration left = deadline.Left();
    // Rounded up, so that no turn is shorter than what is left; longer waits come back for another turn.
    const int64_t left_ms =
        absl::ToInt64Milliseconds(absl::Ceil(std::min(left, absl::Hours(1)), absl::Milliseconds(1)));
    pollfd fds[] = {{fd, POLLIN, 0}, {wake_up.get(), POLLIN, 0}};
    const int count = poll(fds, 2, static_cast<int>(left_ms));
    if (count < 0 && errno != EINTR) return Readiness::kReady;
    if (count > 0 && fds[1].revents != 0) return Readiness::kCancelled;
    if (count > 0) return Readiness::kReady;
    if (count == 0 && deadline.Left() == absl::ZeroDuration()) return Readiness::kTimeout;
  }
}

}  // namespace

std::string ExitStatus::ToString() const {
  if (signal == 0) return absl::StrCat("exited with code ", code);
  const char* const description = sigdescr_np(signal);
  return absl::StrCat("was killed by signal ", signal, " (", description == nullptr ? "unknown" : description, ")");
}

struct ChildProcess::Rep {
  // Sends `signal_number` to the group unless the child was reaped, when its number may be another's.
  void Kill(int signal_number) {
    MutexLock lock(mu);
    if (!ended.has_value()) kill(-pid, signal_number);
  }

  // Takes the exit status when the child has ended; call when its pidfd says so.
  void Reap(bool kill_rest_of_group) {
    {
      MutexLock lock(mu);
      if (ended.has_value()) return;
      if (kill_rest_of_group) kill(-pid, SIGKILL);
      int status = 0;
      while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
      }
      ExitStatus result;
      if (WIFSIGNALED(status)) {
        result.signal = WTERMSIG(status);
      } else {
        result.code = WEXITSTATUS(status);
      }
      ended = result;
    }
    if (stderr_reader != nullptr) stderr_reader->Finish();
  }

  std::optional<ExitStatus> Ended() {
    MutexLock lock(mu);
    return ended;
  }

  // Constant after construction.
  pid_t pid = -1;
  FileDescriptor pidfd;
  std::unique_ptr<StderrReader> stderr_reader;  // Null when stderr goes elsewhere.

  FileDescriptor stdout_pipe;

  Mutex mu;
  std::optional<ExitStatus> ended ABSL_GUARDED_BY(mu);
};

ChildProcess::ChildProcess() : rep_(std::make_unique<Rep>()) {}

absl::StatusOr<std::unique_ptr<ChildProcess>> ChildProcess::Start(const ChildOptions& options) {
  ASSIGN_OR_RETURN(SpawnedChild spawned, Spawn(options));
  std::unique_ptr<ChildProcess> child(new ChildProcess);
  child->rep_->pid = spawned.pid;
  child->rep_->pidfd = std::move(spawned.pidfd);
  child->rep_->stdout_pipe = std::move(spawned.stdout_pipe);
  if (spawned.stderr_pipe.valid()) {
    child->rep_->stderr_reader = std::make_unique<StderrReader>(std::move(spawned.stderr_pipe));
  }
  return child;
}

ChildProcess::~ChildProcess() {
  if (rep_->Ended().has_value()) return;
  rep_->Kill(SIGKILL);
  rep_->Reap(/*kill_rest_of_group=*/true);
}

pid_t ChildProcess::pid() const { return rep_->pid; }

int ChildProcess::stdout_fd() const { return rep_->stdout_pipe.get(); }

void ChildProcess::CloseStdout() { rep_->stdout_pipe.Reset(); }

void ChildProcess::Kill(int signal) { rep_->Kill(signal); }

std::optional<ExitStatus> ChildProcess::Wait(absl::Duration timeout, Cancellation* cancellation) {
  if (std::optional<ExitStatus> ended = rep_->Ended(); ended.has_value()) return ended;
  if (WaitReadable(rep_->pidfd.get(), timeout, cancellation) != Readiness::kReady) return std::nullopt;
  rep_->Reap(/*kill_rest_of_group=*/false);
  return rep_->Ended();
}

ExitStatus ChildProcess::Terminate(absl::Duration grace) {
  if (std::optional<ExitStatus> ended = rep_->Ended(); ended.has_value()) return *ended;
  rep_->Kill(SIGTERM);
  // A stopped process takes the signal only when it goes on.
  rep_->Kill(SIGCONT);
  if (WaitReadable(rep_->pidfd.get(), grace, nullptr) != Readiness::kReady) rep_->Kill(SIGKILL);
  rep_->Reap(/*kill_rest_of_group=*/true);
  return *rep_->Ended();
}

std::vector<std::string> ChildProcess::stderr_lines() const {
  return rep_->stderr_reader == nullptr ? std::vector<std::string>() : rep_->stderr_reader->Lines();
}

absl::StatusOr<size_t> ReadSome(int fd, char* buffer, size_t size, absl::Duration timeout, Cancellation* cancellation) {
  const Deadline deadline(timeout);
  while (true) {
    if (cancellation != nullptr && cancellation->cancelled()) {
      return MakeError(absl::StatusCode::kCancelled, "CANCELLED", cancellation->reason());
    }
    const ssize_t count = read(fd, buffer, size);
    if (count >= 0) return static_cast<size_t>(count);
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return ErrnoToStatus(errno, "cannot read from the pipe");
    if (WaitReadable(fd, deadline.Left(), cancellation) == Readiness::kTimeout) {
      return MakeError(absl::StatusCode::kDeadlineExceeded, "READ_TIMEOUT",
                       absl::StrCat("nothing to read for ", backup::FormatDuration(timeout)));
    }
  }
}

}  // namespace backup
