// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "agent/controller_link.h"
#include "base/mutex.h"

namespace backup::testing {

// A controller in memory, as far as an agent sees it. It wants the runs that it was told to want until it has a result
// of each. Thread-safe.
class FakeControllerLink : public agent::ControllerLink {
 public:
  // From now on it wants these.
  void Want(std::vector<v1::DesiredRun> runs);
  // Asks for this run to be stopped, in Sync and in ReportProgress, until it has a result of it.
  void CancelRun(const std::string& run);
  // While away, all calls are UNAVAILABLE; open ones end.
  void SetAway(bool away);
  // Answers to results of `run` with this error; OK takes it back.
  void RefuseResultsOf(const std::string& run, absl::Status error);
  // Answers to progress of `run` with this error.
  void RefuseProgressOf(const std::string& run, absl::Status error);
  // Answers to log lines of `run` with this error; OK takes it back.
  void RefuseLogOf(const std::string& run, absl::Status error);
  // Takes results, and says UNAVAILABLE all the same, as when the answer was lost.
  void LoseAnswers(bool lose);
  // Without: a Sync with nothing new answers at once. With (the default): when there is something new, or on
  // cancellation.
  void SetParks(bool parks);

  // What was said, in order.
  std::vector<v1::SyncRequest> syncs() const;
  std::vector<v1::AttemptProgress> progress() const;
  std::vector<v1::CompleteRunRequest> results() const;
  std::vector<std::string> log_of(const std::string& run) const;

  // Waits until `holds` is true of this; false after 60 s.
  bool WaitUntil(const std::function<bool(const FakeControllerLink&)>& holds);

  absl::StatusOr<v1::SyncResponse> Sync(const v1::SyncRequest& request, absl::Duration timeout,
                                        Cancellation& cancellation) override;
  absl::StatusOr<v1::ReportProgressResponse> ReportProgress(const v1::ReportProgressRequest& request,
                                                            absl::Duration timeout,
                                                            Cancellation& cancellation) override;
  absl::StatusOr<v1::CompleteRunResponse> CompleteRun(const v1::CompleteRunRequest& request, absl::Duration timeout,
                                                      Cancellation& cancellation) override;
  absl::StatusOr<v1::UploadRunLogResponse> UploadRunLog(const v1::UploadRunLogRequest& request, absl::Duration timeout,
                                                        Cancellation& cancellation) override;

 private:
  v1::SyncResponse Desired() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable Mutex mu_;
  CondVar changed_;
  bool away_ ABSL_GUARDED_BY(mu_) = false;
  bool lose_answers_ ABSL_GUARDED_BY(mu_) = false;
  bool parks_ ABSL_GUARDED_BY(mu_) = true;
  int revision_ ABSL_GUARDED_BY(mu_) = 1;
  std::vector<v1::DesiredRun> wanted_ ABSL_GUARDED_BY(mu_);
  std::vector<std::string> cancels_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, absl::Status> refused_results_ ABSL_GUARDED_BY(mu_);
  // Errors that were answered before. A Status counts who holds it where ThreadSanitizer does not look; the last to let
  // go of it must not be this thread or the agent's at random.
  std::vector<absl::Status> retired_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, absl::Status> refused_progress_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, absl::Status> refused_logs_ ABSL_GUARDED_BY(mu_);
  std::vector<v1::SyncRequest> syncs_ ABSL_GUARDED_BY(mu_);
  std::vector<v1::AttemptProgress> progress_ ABSL_GUARDED_BY(mu_);
  std::vector<v1::CompleteRunRequest> results_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, std::vector<std::string>> logs_ ABSL_GUARDED_BY(mu_);
};

// A run of `agents/db1/databases/{database}` under policies/nightly, due now and for the next 6 hours.
v1::DesiredRun MakeDesiredRun(const std::string& run_id, const std::string& database, absl::Time now);

}  // namespace backup::testing
