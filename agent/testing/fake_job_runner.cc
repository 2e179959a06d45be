// SPDX-License-Identifier: Apache-2.0
#include "agent/testing/fake_job_runner.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "agent/pipeline/job_failure.h"
#include "base/clock.h"
#include "base/status_macros.h"

namespace backup::testing {
namespace {

constexpr absl::Duration kLongestWait = absl::Seconds(60);

bool WaitFor(Mutex& mu, CondVar& changed, const std::function<bool()>& holds) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
  const absl::Duration end = Clock::Real().Monotonic() + kLongestWait;
  while (!holds()) {
    if (Clock::Real().Monotonic() >= end) {
      return false;
    }
    changed.WaitFor(mu, absl::Seconds(1));
  }
  return true;
}

}  // namespace

void FakeJobRunner::SetHeld(bool held) {
  MutexLock lock(mu_);
  held_ = held;
  changed_.NotifyAll();
}

void FakeJobRunner::SetDeaf(bool deaf) {
  MutexLock lock(mu_);
  deaf_ = deaf;
  changed_.NotifyAll();
}

void FakeJobRunner::SetBackupError(absl::Status error) {
  MutexLock lock(mu_);
  backup_error_ = std::move(error);
}

void FakeJobRunner::SetVerified(const std::string& path, absl::StatusOr<agent::VerifyOutcome> outcome) {
  MutexLock lock(mu_);
  verified_.insert_or_assign(path, std::move(outcome));
}

void FakeJobRunner::SetDrilled(absl::StatusOr<agent::DrillOutcome> outcome) {
  MutexLock lock(mu_);
  drilled_ = std::move(outcome);
}

void FakeJobRunner::SetRestored(absl::StatusOr<agent::RestoreOutcome> outcome) {
  MutexLock lock(mu_);
  restored_ = std::move(outcome);
}

void FakeJobRunner::SetPlanned(absl::StatusOr<agent::RestorePlan> plan) {
  MutexLock lock(mu_);
  planned_ = std::move(plan);
}

std::vector<agent::BackupRequest> FakeJobRunner::backups() const {
  MutexLock lock(mu_);
  return backups_;
}

std::vector<agent::VerifyRequest> FakeJobRunner::verifies() const {
  MutexLock lock(mu_);
  return verifies_;
}

std::vector<agent::RemoveRequest> FakeJobRunner::removals() const {
  MutexLock lock(mu_);
  return removals_;
}

std::vector<agent::DrillRequest> FakeJobRunner::drills() const {
  MutexLock lock(mu_);
  return drills_;
}

std::vector<agent::RestoreRequest> FakeJobRunner::restores() const {
  MutexLock lock(mu_);
  return restores_;
}

std::vector<agent::RestoreRequest> FakeJobRunner::restore_plans() const {
  MutexLock lock(mu_);
  return restore_plans_;
}

int FakeJobRunner::niceness() const {
  MutexLock lock(mu_);
  return niceness_;
}

int FakeJobRunner::max_at_once() const {
  MutexLock lock(mu_);
  return max_at_once_;
}

int FakeJobRunner::max_at_once_on_one_database() const {
  MutexLock lock(mu_);
  return max_on_one_;
}

bool FakeJobRunner::WaitForBackups(size_t count) {
  MutexLock lock(mu_);
  return WaitFor(mu_, changed_, [this, count]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return backups_.size() >= count; });
}

bool FakeJobRunner::WaitUntilIdle() {
  MutexLock lock(mu_);
  return WaitFor(mu_, changed_, [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return at_once_ == 0; });
}

void FakeJobRunner::WaitUntilFree(Cancellation& cancellation) {
  while (held_ && (deaf_ || !cancellation.cancelled())) {
    changed_.Wait(mu_);
  }
}

absl::StatusOr<agent::BackupOutcome> FakeJobRunner::Backup(const agent::BackupRequest& request,
                                                           agent::JobObserver& observer, Cancellation& cancellation) {
  observer.OnLog("dumping " + request.database);
  v1::Progress progress;
  progress.set_phase(v1::DUMPING);
  progress.set_plain_bytes(4096);
  observer.OnProgress(progress);
  const Cancellation::Registration wake(cancellation, [this] {
    MutexLock lock(mu_);
    changed_.NotifyAll();
  });
  MutexLock lock(mu_);
  niceness_ = getpriority(PRIO_PROCESS, static_cast<id_t>(gettid()));
  backups_.push_back(request);
  max_at_once_ = std::max(max_at_once_, ++at_once_);
  max_on_one_ = std::max(max_on_one_, ++working_[request.database]);
  changed_.NotifyAll();
  WaitUntilFree(cancellation);
  --at_once_;
  --working_[request.database];
  changed_.NotifyAll();
  if (cancellation.cancelled()) {
    return agent::JobError(v1::CANCELLED_BY_USER, "cancelled");
  }
  if (!backup_error_.ok()) {
    return backup_error_;
  }
  agent::BackupOutcome outcome;
  outcome.manifest.set_format_version(1);
  outcome.manifest.set_backup_id(request.backup_id);
  outcome.manifest.set_run(request.run);
  outcome.manifest.set_attempt_id(request.attempt_id);
  outcome.manifest.set_epoch(request.epoch);
  outcome.manifest_sha256 = "0123";
  outcome.path = request.repository + "/" + request.backup_id;
  return outcome;
}

absl::StatusOr<agent::VerifyOutcome> FakeJobRunner::Verify(const agent::VerifyRequest& request,
                                                           agent::JobObserver& /*observer*/,
                                                           Cancellation& cancellation) {
  RETURN_IF_ERROR(Work(&FakeJobRunner::verifies_, request, cancellation));
  MutexLock lock(mu_);
  auto it = verified_.find(request.artifact_directory);
  if (it == verified_.end()) {
    return agent::JobError(v1::CORRUPT, request.artifact_directory + " is gone");
  }
  return it->second;
}

absl::StatusOr<agent::RemoveOutcome> FakeJobRunner::Remove(const agent::RemoveRequest& request,
                                                           agent::JobObserver& /*observer*/) {
  MutexLock lock(mu_);
  removals_.push_back(request);
  return agent::RemoveOutcome{4, 4096};
}

absl::StatusOr<agent::DrillOutcome> FakeJobRunner::Drill(const agent::DrillRequest& request,
                                                         agent::JobObserver& /*observer*/, Cancellation& cancellation) {
  RETURN_IF_ERROR(Work(&FakeJobRunner::drills_, request, cancellation));
  MutexLock lock(mu_);
  return drilled_;
}

absl::StatusOr<agent::RestoreOutcome> FakeJobRunner::Restore(const agent::RestoreRequest& request,
                                                             agent::JobObserver& /*observer*/,
                                                             Cancellation& cancellation) {
  RETURN_IF_ERROR(Work(&FakeJobRunner::restores_, request, cancellation));
  MutexLock lock(mu_);
  return restored_;
}

absl::StatusOr<agent::RestorePlan> FakeJobRunner::PlanRestore(const agent::RestoreRequest& request,
                                                              agent::JobObserver& /*observer*/,
                                                              Cancellation& cancellation) {
  RETURN_IF_ERROR(Work(&FakeJobRunner::restore_plans_, request, cancellation));
  MutexLock lock(mu_);
  return planned_;
}

template <typename Request>
absl::Status FakeJobRunner::Work(std::vector<Request> FakeJobRunner::*requests, const Request& request,
                                 Cancellation& cancellation) {
  const Cancellation::Registration wake(cancellation, [this] {
    MutexLock lock(mu_);
    changed_.NotifyAll();
  });
  MutexLock lock(mu_);
  (this->*requests).push_back(request);
  changed_.NotifyAll();
  WaitUntilFree(cancellation);
  return cancellation.cancelled() ? agent::JobError(v1::CANCELLED_BY_USER, "cancelled") : absl::OkStatus();
}

}  // namespace backup::testing
