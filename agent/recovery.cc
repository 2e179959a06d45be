// SPDX-License-Identifier: Apache-2.0
#include "agent/recovery.h"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "absl/strings/strip.h"
#include "agent/attempt_key.h"
#include "agent/attempt_work.h"
#include "agent/pipeline/repository.h"
#include "agent/run_result.h"
#include "base/log.h"
#include "base/resource_name.h"
#include "base/status_macros.h"

namespace backup::agent {
namespace {

// Where the artifact of `attempt` lies once it is published.
std::string PathOf(const v1::Run& attempt, const std::string& root) {
  const absl::StatusOr<DatabaseId> database = ParseDatabaseName(attempt.database());
  return database.ok()
             ? ArtifactPath(root, database->agent, database->database, absl::StripPrefix(attempt.backup(), "backups/"))
             : "";
}

bool Exists(const std::string& path) {
  struct stat info;
  return lstat(path.c_str(), &info) == 0;
}

}  // namespace

Recovery::Recovery(Parts parts, std::string repository_root)
    : parts_(parts), repository_root_(std::move(repository_root)) {}

absl::StatusOr<std::vector<v1::Run>> Recovery::Load() {
  ASSIGN_OR_RETURN(const std::vector<v1::Run> attempts, parts_.journal.Load());
  MutexLock lock(mu_);
  for (const v1::Run& attempt : attempts) {
    if (parts_.spool.Contains(KeyOf(attempt))) {
      RETURN_IF_ERROR(parts_.journal.Remove(KeyOf(attempt)));
    } else {
      unsettled_.push_back(attempt);
    }
  }
  return unsettled_;
}

void Recovery::Settle() {
  MutexLock settle_lock(settle_mu_);
  std::vector<v1::Run> left;
  {
    MutexLock lock(mu_);
    left = unsettled_;
  }
  if (left.empty()) {
    return;
  }
  const bool repository_is_open = parts_.repository.EnsureOpen().ok();
  left.erase(std::remove_if(left.begin(), left.end(),
                            [&](const v1::Run& attempt) { return SettleOne(attempt, repository_is_open); }),
             left.end());
  MutexLock lock(mu_);
  unsettled_ = std::move(left);
}

std::vector<std::string> Recovery::UnsettledRuns() const {
  std::vector<std::string> runs;
  MutexLock lock(mu_);
  for (const v1::Run& attempt : unsettled_) {
    runs.push_back(attempt.name());
  }
  return runs;
}

bool Recovery::SettleOne(const v1::Run& attempt, bool repository_is_open) {
  if (parts_.spool.Contains(KeyOf(attempt)) || !parts_.journal.Contains(KeyOf(attempt))) {
    return true;
  }
  const std::vector<ActiveAttempt> active = parts_.runs.ActiveRuns();
  if (std::any_of(active.begin(), active.end(), [&](const ActiveAttempt& a) { return a.run == attempt.name(); })) {
    return false;
  }
  if (attempt.kind() != v1::BACKUP) {
    parts_.runs.Conclude(attempt, CutOff(attempt, parts_.clock.Now()));
    return true;
  }
  if (!repository_is_open) {
    return false;
  }
  const std::string path = PathOf(attempt, repository_root_);
  if (!Exists(path)) {
    LogWarning("a run was cut off when the agent stopped", {{"run", attempt.name()}, {"database", attempt.database()}});
    parts_.runs.Conclude(attempt, CutOff(attempt, parts_.clock.Now()));
    return true;
  }
  // Stays unsettled until it has a result: reading may fail now and work later.
  parts_.runs.Resume(attempt, WorkOnPublished(attempt, path, parts_.jobs, parts_.clock));
  return false;
}

}  // namespace backup::agent
