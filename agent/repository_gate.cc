// SPDX-License-Identifier: Apache-2.0
#include "agent/repository_gate.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/message_files.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/log.h"
#include "base/proto_json.h"
#include "base/status_macros.h"

namespace backup::agent {
namespace {

// How long what a run left is kept: somebody may want to look at it.
constexpr absl::Duration kLeftoverAge = absl::Hours(24);

}  // namespace

absl::Status RepositoryGate::EnsureOpen() {
  MutexLock lock(mu_);
  return EnsureOpenLocked();
}

absl::Status RepositoryGate::EnsureOpenLocked() {
  if (repository_.has_value()) {
    return absl::OkStatus();
  }
  v1::RepositoryStatus known;
  ReadMessageFile(options_.memory_file, options_.corrupt_directory, &known);
  const std::string expected_id = known.path() == options_.root ? known.id() : "";
  absl::StatusOr<Repository> repository =
      Repository::Open(options_.root, options_.agent_id, Repository::Access::kDaemon, expected_id);
  RETURN_IF_ERROR(repository.status());
  if (repository->id() != expected_id) {
    RETURN_IF_ERROR(Remember(repository->id()));
  }
  // Only before the first work: later, a `.partial-` directory may be that of a run.
  if (!cleared_) {
    ASSIGN_OR_RETURN(const std::vector<std::string> removed, repository->RemoveLeftovers({}, absl::InfiniteFuture()));
    for (const std::string& path : removed) {
      LogInfo("removed what a crashed run left", {{"path", path}});
    }
    cleared_ = true;
  }
  repository_ = std::move(*repository);
  LogInfo("repository open", {{"path", options_.root}, {"id", repository_->id()}});
  return absl::OkStatus();
}

absl::Status RepositoryGate::Remember(const std::string& id) const {
  v1::RepositoryStatus known;
  known.set_id(id);
  known.set_path(options_.root);
  return WriteFileAtomically(options_.memory_file, ToJson(known) + "\n");
}

std::string RepositoryGate::id() {
  MutexLock lock(mu_);
  return repository_.has_value() ? repository_->id() : "";
}

void RepositoryGate::CleanUp(const std::set<std::string>& working, absl::Time now) {
  {
    MutexLock lock(mu_);
    if (!repository_.has_value()) {
      return;
    }
    const absl::StatusOr<std::vector<std::string>> removed = repository_->RemoveLeftovers(working, now - kLeftoverAge);
    if (!removed.ok()) {
      LogWarning("cannot look for what runs left", {{"error", removed.status()}});
      return;
    }
    for (const std::string& path : *removed) {
      LogInfo("removed what a run left", {{"path", path}});
    }
  }
  // Not under the lock: a great repository takes its time, and Status must not wait for it.
  absl::StatusOr<RepositorySurvey> survey = SurveyRepository(options_.root);
  MutexLock lock(mu_);
  if (!survey.ok()) {
    LogWarning("cannot look for what is not ours", {{"error", survey.status()}});
    return;
  }
  if (survey->unknown_count > 0 && survey->unknown_count != survey_.unknown_count) {
    LogWarning("the repository holds what no backup made; it is left alone",
               {{"count", survey->unknown_count}, {"first", survey->unknown_paths.front()}});
  }
  survey_ = *std::move(survey);
}

v1::RepositoryStatus RepositoryGate::Status() {
  MutexLock lock(mu_);
  const absl::Status open = EnsureOpenLocked();
  if (!open.ok()) {
    v1::RepositoryStatus status;
    status.set_path(options_.root);
    status.set_problem(std::string(open.message()));
    return status;
  }
  v1::RepositoryStatus status = repository_->Status();
  status.mutable_unknown_paths()->Assign(survey_.unknown_paths.begin(), survey_.unknown_paths.end());
  status.set_unknown_count(survey_.unknown_count);
  if (!status.problem().empty()) {
    // Let go of a volume that went away, so that it can be unmounted and the next one is looked at afresh.
    repository_.reset();
  }
  return status;
}

}  // namespace backup::agent
