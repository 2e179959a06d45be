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
    ASSIGN_OR_RETURN(const std::vector<std::string> removed, repository->RemovePartials());
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
  if (!status.problem().empty()) {
    // Let go of a volume that went away, so that it can be unmounted and the next one is looked at afresh.
    repository_.reset();
  }
  return status;
}

}  // namespace backup::agent
