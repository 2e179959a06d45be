// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/cancellation.h"

namespace backup {

// Which program to start, and how. No shell is ever involved.
struct ChildOptions {
  // argv; argv[0] is an absolute path.
  std::vector<std::string> argv;
  // The whole environment of the child; nothing is inherited.
  std::vector<std::pair<std::string, std::string>> environment;
  // Working directory. Default: "/".
  std::string directory = "/";
  // stdin: /dev/null, or this descriptor (borrowed; it may be closed after Start).
  int stdin_fd = -1;
  // stdout: a pipe read through stdout_fd(); else /dev/null; or a descriptor given here (borrowed).
  bool pipe_stdout = true;
  int stdout_fd = -1;
  // stderr: collected, or a descriptor given here (borrowed).
  int stderr_fd = -1;
  // The user to become; only when we are root. Default: stay.
  std::optional<std::string> run_as_user;
  // Signal the kernel sends to the child when this process dies, however it dies. Default: SIGKILL. 0: none.
  int death_signal = 9;
  // Added to the niceness, 0 to 19.
  int niceness = 0;
};

// How a child ended.
struct ExitStatus {
  int code = -1;   // Exit code; -1 when a signal ended it.
  int signal = 0;  // Signal; 0 when it exited.
  bool ok() const { return code == 0; }
  // "exited with code 1", "was killed by signal 9 (Killed)".
  std::string ToString() const;
};

// A child process, started by posix_spawn in its own process group, with only the descriptors it is given. Its stderr
// is read by a thread of its own into a bounded ring (last 40 lines of 500 bytes), cleaned to valid UTF-8 without
// control characters, so that a child can write any amount without blocking and cannot forge a log.
//
// Death with the parent is by `setpriv --pdeathsig` (util-linux); the kernel ties it to the thread that called Start,
// so that thread must outlive the child. It reaches the child itself, not what that starts, and is armed a moment after
// Start, when setpriv runs.
//
// When the child has ended by itself, what it left behind in its group goes on; Terminate and the destructor of a child
// not waited for kill that too.
//
// One thread uses it; Kill may be called from any.
class ChildProcess {
 public:
  // NOT_FOUND PROGRAM_NOT_FOUND when argv[0] is not there or not executable; INTERNAL SPAWN_FAILED otherwise.
  static absl::StatusOr<std::unique_ptr<ChildProcess>> Start(const ChildOptions& options);
  // Kills the process group (SIGKILL) when it was not waited for, and reaps it.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const;
  // The read end of stdout's pipe, owned by this; -1 without pipe_stdout. Non-blocking.
  int stdout_fd() const;
  // Closes the read end: the child gets SIGPIPE when it writes on.
  void CloseStdout();

  // Sends `signal` to the whole process group. No effect once it was reaped.
  void Kill(int signal);
  // Waits for the end, at most until `timeout` (steady time) or until `cancellation` (may be null) says stop; nothing
  // when it still runs. Reaps it; later calls return the same.
  std::optional<ExitStatus> Wait(absl::Duration timeout, Cancellation* cancellation = nullptr);
  // SIGTERM to the group, SIGKILL after `grace`; waits; returns how it ended.
  ExitStatus Terminate(absl::Duration grace);

  // The last lines of stderr so far, cleaned and bounded. After Wait succeeded: all there is.
  std::vector<std::string> stderr_lines() const;

 private:
  ChildProcess();
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

// Reads from non-blocking `fd` up to `size` bytes, waiting at most `timeout`. Returns 0 at the end of the stream.
// DEADLINE_EXCEEDED READ_TIMEOUT, CANCELLED CANCELLED when `cancellation` (may be null) says stop, INTERNAL IO on
// other errors.
absl::StatusOr<size_t> ReadSome(int fd, char* buffer, size_t size, absl::Duration timeout, Cancellation* cancellation);

// Starts, collects at most `max_stdout_bytes` of stdout, waits. A non-zero exit is INTERNAL CHILD_FAILED with the last
// lines of stderr in the message. DEADLINE_EXCEEDED CHILD_TIMEOUT when it takes longer than `timeout`; it is then
// killed.
absl::StatusOr<std::string> RunAndCollect(const ChildOptions& options, absl::Duration timeout,
                                          size_t max_stdout_bytes = 1 << 20);

}  // namespace backup
