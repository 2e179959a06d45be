// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/dump_process.h"

#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <csignal>

#include "absl/strings/str_cat.h"
#include "agent/pipeline/dump_failure.h"
#include "agent/pipeline/job_failure.h"
#include "base/clock.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/units.h"

namespace backup::agent {
namespace {

// After SIGTERM pg_dump cancels its statement on the server; then it must go.
constexpr absl::Duration kTerminateGrace = absl::Seconds(3);
// How long a child that has closed its output may take to exit.
constexpr absl::Duration kExitTimeout = absl::Seconds(60);
constexpr int kPipeBytes = 1 << 20;
// Less than pg_dump takes to fill the pipe.
constexpr int kGatherMs = 1;

std::string ShortName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

absl::StatusOr<std::unique_ptr<DumpProcess>> DumpProcess::Start(const std::string& program,
                                                                const std::vector<std::string>& arguments,
                                                                const std::string& connection_flag,
                                                                const Conninfo& conninfo, const DumpLimits& limits,
                                                                Cancellation& cancellation) {
  std::unique_ptr<DumpProcess> process(new DumpProcess(ShortName(program), conninfo, limits, cancellation));
  if (!conninfo.password().empty()) {
    ASSIGN_OR_RETURN(process->passfile_, Passfile::Create(conninfo.password()));
  }
  ChildOptions options;
  options.argv = {program};
  options.argv.insert(options.argv.end(), arguments.begin(), arguments.end());
  options.argv.emplace_back("--no-password");
  options.argv.push_back(
      absl::StrCat(connection_flag,
                   conninfo.ForChild(process->passfile_.has_value() ? Passfile::kPathInChild : "", "backup-agent")));
  // The same text whatever the server, the database or the role say of time zones: contents are compared elsewhere.
  options.environment = {{"PATH", "/usr/bin:/bin"}, {"LC_ALL", "C"}, {"PGTZ", "UTC"}};
  // On SIGTERM pg_dump cancels its statement on the server. Killed outright it would leave there a session that holds
  // its locks until it next writes to us, which may be long after.
  options.death_signal = SIGTERM;
  options.stdin_fd = process->passfile_.has_value() ? process->passfile_->fd() : -1;
  absl::StatusOr<std::unique_ptr<ChildProcess>> child = ChildProcess::Start(options);
  if (ErrorReason(child.status()) == "PROGRAM_NOT_FOUND") {
    return JobError(v1::VERSION_MISMATCH, absl::StrCat("cannot start ", program, ": it is not there or not executable"),
                    HintFor(v1::VERSION_MISMATCH, ""));
  }
  if (!child.ok()) {
    return JobError(v1::INTERNAL, absl::StrCat("cannot start ", program, ": ", std::string(child.status().message())),
                    "look for limits on processes or open files");
  }
  process->child_ = *std::move(child);
  fcntl(process->child_->stdout_fd(), F_SETPIPE_SZ, kPipeBytes);  // Fewer wake-ups; the default does too.
  return process;
}

absl::Status DumpProcess::TooSlow(absl::string_view what) const {
  if (Clock::Real().Monotonic() >= limits_.deadline_monotonic) {
    return JobError(v1::TIMEOUT, absl::StrCat("the run took longer than it may; ", program_, " was stopped"),
                    "raise dump.timeout, or find out what slows the database down", StderrLines());
  }
  return JobError(
      v1::STALLED,
      absl::StrCat(program_, " ", what, " for ", backup::FormatDuration(limits_.stall_timeout), " and was stopped"),
      "look in pg_stat_activity what its session waits for", StderrLines());
}

absl::StatusOr<size_t> DumpProcess::Read(char* buffer, size_t size) {
  size_t filled = 0;
  while (true) {
    ASSIGN_OR_RETURN(const size_t count, ReadOnce(buffer + filled, size - filled));
    filled += count;
    if (count == 0 || filled >= size / 2) {
      return filled;
    }
    // pg_dump writes 4 kB at a time. Waiting for each of them would wake both of us a quarter of a million times for a
    // gigabyte; nobody is woken while the pipe fills up meanwhile.
    poll(nullptr, 0, kGatherMs);
  }
}

absl::StatusOr<size_t> DumpProcess::ReadOnce(char* buffer, size_t size) {
  const absl::Duration left = limits_.deadline_monotonic - Clock::Real().Monotonic();
  const absl::Duration timeout = std::max(std::min(limits_.stall_timeout, left), absl::ZeroDuration());
  absl::StatusOr<size_t> count = ReadSome(child_->stdout_fd(), buffer, size, timeout, &cancellation_);
  if (count.ok()) {
    return count;
  }
  if (absl::IsDeadlineExceeded(count.status())) {
    absl::Status status = TooSlow("delivered no byte");
    Abandon();
    return status;
  }
  Abandon();
  if (absl::IsCancelled(count.status())) {
    return JobError(v1::CANCELLED_BY_USER, absl::StrCat("cancelled: ", cancellation_.reason()));
  }
  return JobError(v1::INTERNAL,
                  absl::StrCat("cannot read from ", program_, ": ", std::string(count.status().message())));
}

absl::StatusOr<std::vector<std::string>> DumpProcess::Finish() {
  const absl::Duration left = limits_.deadline_monotonic - Clock::Real().Monotonic();
  const std::optional<ExitStatus> exit = child_->Wait(
      std::max(std::min({kExitTimeout, limits_.stall_timeout, left}), absl::ZeroDuration()), &cancellation_);
  if (!exit.has_value()) {
    absl::Status status = cancellation_.cancelled()
                              ? JobError(v1::CANCELLED_BY_USER, absl::StrCat("cancelled: ", cancellation_.reason()))
                              : TooSlow("closed its output and did not exit");
    Abandon();
    return status;
  }
  if (!exit->ok()) {
    return ChildError(program_, *exit, StderrLines());
  }
  return StderrLines();
}

void DumpProcess::Abandon() {
  child_->CloseStdout();
  child_->Terminate(kTerminateGrace);
}

std::vector<std::string> DumpProcess::StderrLines() const {
  std::vector<std::string> lines = child_->stderr_lines();
  for (std::string& line : lines) {
    line = conninfo_.Scrub(line);
  }
  return lines;
}

}  // namespace backup::agent
