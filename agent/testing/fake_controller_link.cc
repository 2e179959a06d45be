// SPDX-License-Identifier: Apache-2.0
#include "agent/testing/fake_controller_link.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/errors.h"
#include "base/proto_json.h"
#include "base/resource_name.h"

namespace backup::testing {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);

absl::Status Away() { return MakeError(absl::StatusCode::kUnavailable, "", "the fake controller is away"); }

template <typename T>
void EraseValue(std::vector<T>& values, const T& value) {
  values.erase(std::remove(values.begin(), values.end(), value), values.end());
}

}  // namespace

void FakeControllerLink::Want(std::vector<v1::DesiredRun> runs) {
  MutexLock lock(mu_);
  wanted_ = std::move(runs);
  ++revision_;
  changed_.NotifyAll();
}

void FakeControllerLink::CancelRun(const std::string& run) {
  MutexLock lock(mu_);
  cancels_.push_back(run);
  ++revision_;
  changed_.NotifyAll();
}

void FakeControllerLink::SetAway(bool away) {
  MutexLock lock(mu_);
  away_ = away;
  changed_.NotifyAll();
}

void FakeControllerLink::RefuseResultsOf(const std::string& run, absl::Status error) {
  MutexLock lock(mu_);
  std::swap(refused_results_[run], error);
  retired_.push_back(std::move(error));
}

void FakeControllerLink::RefuseProgressOf(const std::string& run, absl::Status error) {
  MutexLock lock(mu_);
  refused_progress_[run] = std::move(error);
}

void FakeControllerLink::RefuseLogOf(const std::string& run, absl::Status error) {
  MutexLock lock(mu_);
  refused_logs_[run] = std::move(error);
}

void FakeControllerLink::LoseAnswers(bool lose) {
  MutexLock lock(mu_);
  lose_answers_ = lose;
}

void FakeControllerLink::SetParks(bool parks) {
  MutexLock lock(mu_);
  parks_ = parks;
  changed_.NotifyAll();
}

std::vector<v1::SyncRequest> FakeControllerLink::syncs() const {
  MutexLock lock(mu_);
  return syncs_;
}

std::vector<v1::AttemptProgress> FakeControllerLink::progress() const {
  MutexLock lock(mu_);
  return progress_;
}

std::vector<v1::CompleteRunRequest> FakeControllerLink::results() const {
  MutexLock lock(mu_);
  return results_;
}

std::vector<std::string> FakeControllerLink::log_of(const std::string& run) const {
  MutexLock lock(mu_);
  auto it = logs_.find(run);
  return it == logs_.end() ? std::vector<std::string>() : it->second;
}

bool FakeControllerLink::WaitUntil(const std::function<bool(const FakeControllerLink&)>& holds) {
  const absl::Duration end = Clock::Real().Monotonic() + kPatience;
  while (!holds(*this)) {
    MutexLock lock(mu_);
    if (Clock::Real().Monotonic() >= end) {
      return false;
    }
    // Bounded, because what `holds` looks at may change before the wait begins.
    changed_.WaitFor(mu_, absl::Milliseconds(20));
  }
  return true;
}

v1::SyncResponse FakeControllerLink::Desired() const {
  v1::SyncResponse response;
  response.set_revision(absl::StrCat("revision-", revision_));
  for (const v1::DesiredRun& run : wanted_) {
    *response.add_runs() = run;
  }
  for (const std::string& run : cancels_) {
    response.add_cancel_runs(run);
  }
  return response;
}

absl::StatusOr<v1::SyncResponse> FakeControllerLink::Sync(const v1::SyncRequest& request, absl::Duration /*timeout*/,
                                                          Cancellation& cancellation) {
  const Cancellation::Registration wake(cancellation, [this] {
    MutexLock lock(mu_);
    changed_.NotifyAll();
  });
  MutexLock lock(mu_);
  syncs_.push_back(request);
  changed_.NotifyAll();
  while (!away_ && parks_ && !cancellation.cancelled() && request.known_revision() == Desired().revision()) {
    changed_.Wait(mu_);
  }
  if (cancellation.cancelled()) {
    return absl::CancelledError("cancelled");
  }
  if (away_) {
    return Away();
  }
  return Desired();
}

absl::StatusOr<v1::ReportProgressResponse> FakeControllerLink::ReportProgress(const v1::ReportProgressRequest& request,
                                                                              absl::Duration /*timeout*/,
                                                                              Cancellation& /*cancellation*/) {
  MutexLock lock(mu_);
  if (away_) {
    return Away();
  }
  const std::string& run = request.progress().attempt().run();
  progress_.push_back(request.progress());
  changed_.NotifyAll();
  if (auto it = refused_progress_.find(run); it != refused_progress_.end() && !it->second.ok()) {
    return it->second;
  }
  v1::ReportProgressResponse response;
  response.set_cancel(std::count(cancels_.begin(), cancels_.end(), run) > 0);
  return response;
}

absl::StatusOr<v1::CompleteRunResponse> FakeControllerLink::CompleteRun(const v1::CompleteRunRequest& request,
                                                                        absl::Duration /*timeout*/,
                                                                        Cancellation& /*cancellation*/) {
  MutexLock lock(mu_);
  if (away_) {
    return Away();
  }
  const std::string& run = request.attempt().run();
  if (auto it = refused_results_.find(run); it != refused_results_.end() && !it->second.ok()) {
    return it->second;
  }
  results_.push_back(request);
  wanted_.erase(
      std::remove_if(wanted_.begin(), wanted_.end(), [&](const v1::DesiredRun& wanted) { return wanted.run() == run; }),
      wanted_.end());
  EraseValue(cancels_, run);
  ++revision_;
  changed_.NotifyAll();
  if (lose_answers_) {
    return Away();
  }
  v1::CompleteRunResponse response;
  response.set_state(request.result().state());
  return response;
}

absl::StatusOr<v1::UploadRunLogResponse> FakeControllerLink::UploadRunLog(const v1::UploadRunLogRequest& request,
                                                                          absl::Duration /*timeout*/,
                                                                          Cancellation& /*cancellation*/) {
  MutexLock lock(mu_);
  if (away_) {
    return Away();
  }
  if (auto it = refused_logs_.find(request.attempt().run()); it != refused_logs_.end() && !it->second.ok()) {
    return it->second;
  }
  std::vector<std::string>& log = logs_[request.attempt().run()];
  for (const v1::RunLogLine& line : request.lines()) {
    if (line.offset() == static_cast<int64_t>(log.size())) {
      log.push_back(line.text());
    }
  }
  changed_.NotifyAll();
  v1::UploadRunLogResponse response;
  response.set_next_offset(static_cast<int64_t>(log.size()));
  return response;
}

v1::DesiredRun MakeDesiredRun(const std::string& run_id, const std::string& database, absl::Time now) {
  v1::DesiredRun run;
  run.set_run(MakeRunName(run_id));
  run.set_epoch(1);
  run.set_kind(v1::BACKUP);
  run.set_database(MakeDatabaseName("db1", database));
  run.set_policy(MakePolicyName("nightly"));
  *run.mutable_slot_time() = ToProto(now);
  *run.mutable_not_before_time() = ToProto(now);
  *run.mutable_start_deadline_time() = ToProto(now + absl::Hours(6));
  return run;
}

}  // namespace backup::testing
