// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/pipeline/conninfo.h"
#include "agent/pipeline/passfile.h"
#include "base/cancellation.h"
#include "base/child_process.h"

namespace backup::agent {

// Time that a child of pg_dump's kind may take.
struct DumpLimits {
  absl::Duration stall_timeout = absl::Minutes(10);              // Without a byte: STALLED.
  absl::Duration deadline_monotonic = absl::InfiniteDuration();  // On Clock::Real().Monotonic(): TIMEOUT.
};

// A pg_dump or pg_dumpall whose output is read from a pipe: redirected to a file on a full disk it can exit 0 with
// bytes missing. It gets an environment of ours alone and its password by a file in memory. However this object ends,
// the child and its process group end with it. One thread uses it, the one that called Start.
class DumpProcess {
 public:
  // `program` is an absolute path; `arguments` come before the connection string, which is passed in `connection_flag`
  // ("--dbname="). VERSION_MISMATCH when the program is not there. `cancellation` is borrowed.
  static absl::StatusOr<std::unique_ptr<DumpProcess>> Start(const std::string& program,
                                                            const std::vector<std::string>& arguments,
                                                            const std::string& connection_flag,
                                                            const Conninfo& conninfo, const DumpLimits& limits,
                                                            Cancellation& cancellation);

  // Up to `size` bytes of its output; 0 at the end. STALLED, TIMEOUT, CANCELLED_BY_USER: it is then stopped.
  absl::StatusOr<size_t> Read(char* buffer, size_t size);

  // After the end of its output: waits for its exit. Its last stderr lines, free of secrets, when it exited with 0;
  // else an error by dump_failure.h.
  absl::StatusOr<std::vector<std::string>> Finish();

  // Stops it now, when its output is of no more use.
  void Abandon();

 private:
  DumpProcess(std::string program, Conninfo conninfo, const DumpLimits& limits, Cancellation& cancellation)
      : program_(std::move(program)), conninfo_(std::move(conninfo)), limits_(limits), cancellation_(cancellation) {}
  absl::StatusOr<size_t> ReadOnce(char* buffer, size_t size);
  // STALLED or TIMEOUT, whichever limit was reached.
  absl::Status TooSlow(absl::string_view what) const;
  std::vector<std::string> StderrLines() const;

  const std::string program_;  // Short name.
  const Conninfo conninfo_;
  const DumpLimits limits_;
  Cancellation& cancellation_;
  std::optional<Passfile> passfile_;
  std::unique_ptr<ChildProcess> child_;
};

}  // namespace backup::agent
