// SPDX-License-Identifier: Apache-2.0
#include "agent/job_runner.h"

#include "base/status_macros.h"

namespace backup::agent {

absl::StatusOr<BackupOutcome> PipelineJobRunner::Backup(const BackupRequest& request, JobObserver& observer,
                                                        Cancellation& cancellation) {
  RETURN_IF_ERROR(repository_.EnsureOpen());
  return RunBackup(request, clock_, observer, cancellation);
}

absl::StatusOr<VerifyOutcome> PipelineJobRunner::Verify(const VerifyRequest& request, JobObserver& observer,
                                                        Cancellation& cancellation) {
  RETURN_IF_ERROR(repository_.EnsureOpen());
  return VerifyArtifact(request, clock_, observer, cancellation);
}

absl::StatusOr<RemoveOutcome> PipelineJobRunner::Remove(const RemoveRequest& request, JobObserver& observer) {
  RETURN_IF_ERROR(repository_.EnsureOpen());
  RemoveRequest of_held = request;
  of_held.repository_id = repository_.id();
  return RemoveArtifact(of_held, observer);
}

absl::StatusOr<DrillOutcome> PipelineJobRunner::Drill(const DrillRequest& request, JobObserver& observer,
                                                      Cancellation& cancellation) {
  RETURN_IF_ERROR(repository_.EnsureOpen());
  return RunDrill(request, clock_, observer, cancellation);
}

absl::StatusOr<RestoreOutcome> PipelineJobRunner::Restore(const RestoreRequest& request, JobObserver& observer,
                                                          Cancellation& cancellation) {
  RETURN_IF_ERROR(repository_.EnsureOpen());
  return RunRestore(request, clock_, observer, cancellation);
}

absl::StatusOr<RestorePlan> PipelineJobRunner::PlanRestore(const RestoreRequest& request, JobObserver& observer,
                                                           Cancellation& cancellation) {
  RETURN_IF_ERROR(repository_.EnsureOpen());
  return agent::PlanRestore(request, clock_, observer, cancellation);
}

}  // namespace backup::agent
