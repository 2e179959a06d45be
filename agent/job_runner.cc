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

}  // namespace backup::agent
