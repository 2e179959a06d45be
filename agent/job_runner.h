// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/status/statusor.h"
#include "agent/pipeline/job.h"
#include "agent/repository_gate.h"
#include "base/cancellation.h"
#include "base/clock.h"

namespace backup::agent {

// The pipeline, as the daemon sees it. Each call blocks until the work is done; see agent/pipeline/job.h for what they
// promise and which errors they give. Safe for concurrent use.
class JobRunner {
 public:
  virtual ~JobRunner() = default;
  virtual absl::StatusOr<BackupOutcome> Backup(const BackupRequest& request, JobObserver& observer,
                                               Cancellation& cancellation) = 0;
  virtual absl::StatusOr<VerifyOutcome> Verify(const VerifyRequest& request, JobObserver& observer,
                                               Cancellation& cancellation) = 0;
  virtual absl::StatusOr<RemoveOutcome> Remove(const RemoveRequest& request, JobObserver& observer) = 0;
  virtual absl::StatusOr<DrillOutcome> Drill(const DrillRequest& request, JobObserver& observer,
                                             Cancellation& cancellation) = 0;
  virtual absl::StatusOr<RestoreOutcome> Restore(const RestoreRequest& request, JobObserver& observer,
                                                 Cancellation& cancellation) = 0;
  virtual absl::StatusOr<RestorePlan> PlanRestore(const RestoreRequest& request, JobObserver& observer,
                                                  Cancellation& cancellation) = 0;
};

// The real one: nothing is done before the repository is held.
class PipelineJobRunner : public JobRunner {
 public:
  // Both must outlive it.
  PipelineJobRunner(RepositoryGate& repository, Clock& clock) : repository_(repository), clock_(clock) {}
  absl::StatusOr<BackupOutcome> Backup(const BackupRequest& request, JobObserver& observer,
                                       Cancellation& cancellation) override;
  absl::StatusOr<VerifyOutcome> Verify(const VerifyRequest& request, JobObserver& observer,
                                       Cancellation& cancellation) override;
  absl::StatusOr<RemoveOutcome> Remove(const RemoveRequest& request, JobObserver& observer) override;
  absl::StatusOr<DrillOutcome> Drill(const DrillRequest& request, JobObserver& observer,
                                     Cancellation& cancellation) override;
  absl::StatusOr<RestoreOutcome> Restore(const RestoreRequest& request, JobObserver& observer,
                                         Cancellation& cancellation) override;
  absl::StatusOr<RestorePlan> PlanRestore(const RestoreRequest& request, JobObserver& observer,
                                          Cancellation& cancellation) override;

 private:
  RepositoryGate& repository_;
  Clock& clock_;
};

}  // namespace backup::agent
