// SPDX-License-Identifier: Apache-2.0
#include "agent/active_attempts.h"

#include <algorithm>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "agent/attempt_key.h"
#include "agent/pipeline/job_failure.h"
#include "agent/run_result.h"
#include "base/log.h"
#include "base/proto_json.h"
#include "base/thread_priority.h"

namespace backup::agent {
namespace {

// The end of a run's log says why it failed, so that the log alone tells the whole story.
void LogFailure(const v1::Failure& failure, JobObserver& log) {
  if (failure.cause() == v1::FAILURE_CAUSE_UNSPECIFIED) {
    return;
  }
  for (const std::string& line : failure.stderr_lines()) {
    log.OnLog(absl::StrCat("| ", line));
  }
  log.OnLog(absl::StrCat(v1::FailureCause_Name(failure.cause()), ": ", failure.message()));
  if (!failure.hint().empty()) {
    log.OnLog(absl::StrCat("hint: ", failure.hint()));
  }
}

}  // namespace

// One attempt with its thread. What the job says lands here; its last word goes into the result.
struct ActiveAttempts::Worker : public JobObserver {
  Worker(v1::Run a, bool c, AttemptWork w, RunLogs& l, Clock& k)
      : attempt(std::move(a)), cancellable(c), work(std::move(w)), logs(l), clock(k) {}

  void OnProgress(const v1::Progress& p) override {
    MutexLock lock(mu);
    progress = p;
    *progress.mutable_update_time() = ToProto(clock.Now());
  }
  void OnLog(const std::string& line) override { logs.Append(RefOf(attempt), clock.Now(), line); }

  v1::AttemptProgress Report() const {
    v1::AttemptProgress report;
    *report.mutable_attempt() = RefOf(attempt);
    *report.mutable_start_time() = attempt.start_time();
    MutexLock lock(mu);
    *report.mutable_progress() = progress;
    return report;
  }

  // Constant after construction.
  const v1::Run attempt;
  const bool cancellable;
  const AttemptWork work;
  RunLogs& logs;
  Clock& clock;

  Cancellation cancellation;
  std::thread thread;  // For Begin and the reaper only.

  mutable Mutex mu;
  v1::Progress progress ABSL_GUARDED_BY(mu);
};

ActiveAttempts::ActiveAttempts(RunLogs& logs, Clock& clock, EndCallback on_end, std::function<void()> on_gone)
    : logs_(logs), clock_(clock), on_end_(std::move(on_end)), on_gone_(std::move(on_gone)) {}

ActiveAttempts::~ActiveAttempts() { Stop("the agent was stopped", absl::InfiniteDuration()); }

void ActiveAttempts::Begin(const v1::Run& attempt, bool cancellable, AttemptWork work) {
  auto worker = std::make_shared<Worker>(attempt, cancellable, std::move(work), logs_, clock_);
  {
    MutexLock lock(mu_);
    if (!workers_.emplace(attempt.name(), worker).second) {
      LogError("a run was to be started twice; passed over", {{"run", attempt.name()}});
      return;
    }
  }
  // The reaper sees it only in over_, where it comes by Work.
  try {
    worker->thread = std::thread([this, raw = worker.get()] { Work(*raw); });
  } catch (const std::system_error& error) {
    {
      MutexLock lock(mu_);
      workers_.erase(attempt.name());
    }
    const absl::Time now = clock_.Now();
    on_end_(attempt, EndedWithError(JobError(v1::INTERNAL, absl::StrCat("cannot start a thread: ", error.what()),
                                             "raise the limit of processes of the agent's user"),
                                    Cancellation(), now, now));
  }
}

void ActiveAttempts::Work(Worker& worker) {
  WorkInTheBackground();  // The database's own work comes first.
  std::optional<v1::RunResult> result = worker.work(worker, worker.cancellation);
  if (result.has_value()) {
    *result->mutable_progress() = worker.Report().progress();
    LogFailure(result->failure(), worker);
  }
  on_end_(worker.attempt, result);
  {
    MutexLock lock(mu_);
    auto it = workers_.find(worker.attempt.name());
    over_.push_back(std::move(it->second));
    workers_.erase(it);
    gone_.NotifyAll();
  }
  on_gone_();
}

void ActiveAttempts::Reap() {
  std::vector<std::shared_ptr<Worker>> over;
  {
    MutexLock lock(mu_);
    over.swap(over_);
  }
  for (const std::shared_ptr<Worker>& worker : over) {
    worker->thread.join();
  }
}

bool ActiveAttempts::Cancel(absl::string_view run, absl::string_view reason) {
  std::shared_ptr<Worker> worker;
  {
    MutexLock lock(mu_);
    auto it = workers_.find(std::string(run));
    if (it == workers_.end()) {
      return false;
    }
    worker = it->second;
  }
  if (worker->cancellable) {
    worker->cancellation.Cancel(reason);
  }
  return true;
}

bool ActiveAttempts::Stop(absl::string_view reason, absl::Duration grace) {
  std::vector<std::shared_ptr<Worker>> workers;
  {
    MutexLock lock(mu_);
    for (const auto& [run, worker] : workers_) {
      workers.push_back(worker);
    }
  }
  for (const std::shared_ptr<Worker>& worker : workers) {
    worker->cancellation.Cancel(reason);
  }
  const absl::Duration end = Clock::Real().Monotonic() + grace;
  bool all_gone = true;
  {
    MutexLock lock(mu_);
    while (!workers_.empty() && all_gone) {
      const absl::Duration left = end - Clock::Real().Monotonic();
      all_gone = left > absl::ZeroDuration();
      if (all_gone) {
        gone_.WaitFor(mu_, std::min(left, absl::Seconds(60)));
      }
    }
  }
  Reap();
  return all_gone;
}

std::vector<ActiveAttempt> ActiveAttempts::List() const {
  MutexLock lock(mu_);
  std::vector<ActiveAttempt> list;
  for (const auto& [run, worker] : workers_) {
    list.push_back({run, worker->attempt.database(), worker->attempt.policy(), worker->attempt.kind(),
                    std::string(absl::StripPrefix(worker->attempt.backup(), "backups/"))});
  }
  return list;
}

std::vector<v1::AttemptProgress> ActiveAttempts::Progress() const {
  MutexLock lock(mu_);
  std::vector<v1::AttemptProgress> reports;
  for (const auto& [run, worker] : workers_) {
    reports.push_back(worker->Report());
  }
  return reports;
}

}  // namespace backup::agent
