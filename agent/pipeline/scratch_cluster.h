// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/pipeline/job.h"
#include "base/cancellation.h"
#include "base/child_process.h"
#include "base/file.h"

namespace backup::agent {

struct ScratchClusterOptions {
  std::string work_directory;          // Where it is made, in a directory of its own; there must be room for the data.
  std::string bindir;                  // Of initdb and postgres.
  std::string unix_user = "postgres";  // Who runs the server when we are root, for it does not run as root.
  absl::Duration start_timeout = absl::Minutes(2);
};

// A PostgreSQL server for a drill: made by initdb in a private directory, reached by a socket in it and by nothing
// else, without anything that makes data durable. Ends with this process, however that ends; the directory is removed
// by the destructor, or, after a kill, by the next one in the same work directory.
class ScratchCluster {
 public:
  // FAILED_PRECONDITION DRILL_REFUSED when there are no programs, or the user is not there.
  static absl::StatusOr<std::unique_ptr<ScratchCluster>> Start(const ScratchClusterOptions& options,
                                                               Cancellation& cancellation);
  // Stops the server, removes all of it.
  ~ScratchCluster();
  ScratchCluster(const ScratchCluster&) = delete;
  ScratchCluster& operator=(const ScratchCluster&) = delete;

  // Of database `postgres`, as the superuser.
  const ConnectionTarget& target() const { return target_; }

 private:
  explicit ScratchCluster(const ScratchClusterOptions& options) : options_(options) {}

  absl::Status MakeDirectory();
  absl::Status MakeCluster();
  absl::Status StartServer(Cancellation& cancellation);

  const ScratchClusterOptions options_;
  std::optional<std::string> run_as_;
  std::string directory_;
  std::unique_ptr<FileLock> lock_;
  ConnectionTarget target_;
  std::unique_ptr<ChildProcess> server_;
};

// Removes what killed drills left in `work_directory`.
void RemoveAbandonedClusters(const std::string& work_directory);

}  // namespace backup::agent
