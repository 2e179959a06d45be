// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/job_runner.h"
#include "base/mutex.h"

namespace backup::testing {

// A pipeline that dumps nothing: says what it was asked for, and ends as it is told. Thread-safe.
class FakeJobRunner : public agent::JobRunner {
 public:
  // While held, jobs do not end by themselves; they end at once when cancelled. Default: not held.
  void SetHeld(bool held);
  // Jobs go on until they are released, even when they are cancelled.
  void SetDeaf(bool deaf);
  // What the next backups end with; OK (the default) succeeds.
  void SetBackupError(absl::Status error);
  // What reading `path` back finds; without, verifying is NOT_FOUND CORRUPT.
  void SetVerified(const std::string& path, absl::StatusOr<agent::VerifyOutcome> outcome);
  // What the next drills end with; by default one that took 3 s.
  void SetDrilled(absl::StatusOr<agent::DrillOutcome> outcome);
  // What the next restores, and plans of one, end with; by default of nothing.
  void SetRestored(absl::StatusOr<agent::RestoreOutcome> outcome);
  void SetPlanned(absl::StatusOr<agent::RestorePlan> plan);

  std::vector<agent::BackupRequest> backups() const;
  std::vector<agent::VerifyRequest> verifies() const;
  std::vector<agent::RemoveRequest> removals() const;
  std::vector<agent::DrillRequest> drills() const;
  std::vector<agent::RestoreRequest> restores() const;
  std::vector<agent::RestoreRequest> restore_plans() const;
  // The most jobs that worked at once: in all, and on one database.
  int max_at_once() const;
  int max_at_once_on_one_database() const;

  // Of the thread that did the last backup; 0 before.
  int niceness() const;

  // Waits until so many backups were begun in all; false after 60 s.
  bool WaitForBackups(size_t count);
  // Waits until no job works; false after 60 s.
  bool WaitUntilIdle();

  absl::StatusOr<agent::BackupOutcome> Backup(const agent::BackupRequest& request, agent::JobObserver& observer,
                                              Cancellation& cancellation) override;
  absl::StatusOr<agent::VerifyOutcome> Verify(const agent::VerifyRequest& request, agent::JobObserver& observer,
                                              Cancellation& cancellation) override;
  absl::StatusOr<agent::RemoveOutcome> Remove(const agent::RemoveRequest& request,
                                              agent::JobObserver& observer) override;
  absl::StatusOr<agent::DrillOutcome> Drill(const agent::DrillRequest& request, agent::JobObserver& observer,
                                            Cancellation& cancellation) override;
  absl::StatusOr<agent::RestoreOutcome> Restore(const agent::RestoreRequest& request, agent::JobObserver& observer,
                                                Cancellation& cancellation) override;
  absl::StatusOr<agent::RestorePlan> PlanRestore(const agent::RestoreRequest& request, agent::JobObserver& observer,
                                                 Cancellation& cancellation) override;

 private:
  // Puts the request to the others of its kind, and holds the job as long as it is to be held.
  template <typename Request>
  absl::Status Work(std::vector<Request> FakeJobRunner::*requests, const Request& request, Cancellation& cancellation);
  void WaitUntilFree(Cancellation& cancellation) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable Mutex mu_;
  CondVar changed_;
  bool held_ ABSL_GUARDED_BY(mu_) = false;
  bool deaf_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status backup_error_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, absl::StatusOr<agent::VerifyOutcome>> verified_ ABSL_GUARDED_BY(mu_);
  std::vector<agent::BackupRequest> backups_ ABSL_GUARDED_BY(mu_);
  std::vector<agent::VerifyRequest> verifies_ ABSL_GUARDED_BY(mu_);
  absl::StatusOr<agent::DrillOutcome> drilled_ ABSL_GUARDED_BY(mu_) = agent::DrillOutcome{{}, absl::Seconds(3)};
  std::vector<agent::RemoveRequest> removals_ ABSL_GUARDED_BY(mu_);
  std::vector<agent::DrillRequest> drills_ ABSL_GUARDED_BY(mu_);
  absl::StatusOr<agent::RestoreOutcome> restored_ ABSL_GUARDED_BY(mu_) = agent::RestoreOutcome();
  std::vector<agent::RestoreRequest> restores_ ABSL_GUARDED_BY(mu_);
  absl::StatusOr<agent::RestorePlan> planned_ ABSL_GUARDED_BY(mu_) = agent::RestorePlan();
  std::vector<agent::RestoreRequest> restore_plans_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, int> working_ ABSL_GUARDED_BY(mu_);  // By database.
  int niceness_ ABSL_GUARDED_BY(mu_) = 0;
  int at_once_ ABSL_GUARDED_BY(mu_) = 0;
  int max_at_once_ ABSL_GUARDED_BY(mu_) = 0;
  int max_on_one_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace backup::testing
