// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "agent/pipeline/repository.h"
#include "agent/pipeline/repository_survey.h"
#include "backup/v1/agent.pb.h"
#include "base/mutex.h"

namespace backup::agent {

// The daemon's hold on its repository. A volume may be mounted late or go away: the agent runs all the same, says so,
// and tries again. Remembers the id of the repository it first found at the path, so that another volume mounted there
// later is refused.
//
// Thread-safe. Work on the repository begins after EnsureOpen only.
class RepositoryGate {
 public:
  struct Options {
    std::string root;
    std::string agent_id;
    // Where the repository's id is remembered, and where that file goes when it cannot be read.
    std::string memory_file;
    std::string corrupt_directory;
  };
  explicit RepositoryGate(Options options) : options_(std::move(options)) {}

  // Takes the repository unless it is held; the first time it also removes what crashed runs left. Errors as
  // Repository::Open.
  absl::Status EnsureOpen();

  // Of the repository that is held; "" when none is.
  std::string id();

  // Removes what runs left that nothing was written to for 24 hours, but not those of `working` (ids of backups); then
  // looks for what is not ours, for Status to tell. Nothing when the repository is not held.
  void CleanUp(const std::set<std::string>& working, absl::Time now);

  // Space and the problem, if any; tries to take the repository first.
  v1::RepositoryStatus Status();

 private:
  absl::Status EnsureOpenLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status Remember(const std::string& id) const;

  const Options options_;

  Mutex mu_;
  std::optional<Repository> repository_ ABSL_GUARDED_BY(mu_);
  RepositorySurvey survey_ ABSL_GUARDED_BY(mu_);
  bool cleared_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace backup::agent
