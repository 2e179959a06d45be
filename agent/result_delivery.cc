// SPDX-License-Identifier: Apache-2.0
#include "agent/result_delivery.h"

#include <algorithm>
#include <set>
#include <string>

#include "base/errors.h"
#include "base/text.h"

namespace backup::agent {
namespace {

constexpr absl::Duration kCallTimeout = absl::Seconds(10);
constexpr absl::Duration kLogPeriod = absl::Minutes(1);
// How often lines of runs that still work go up.
constexpr absl::Duration kLogInterval = absl::Seconds(2);

// Whether repeating the call can never help.
bool IsFinal(const absl::Status& error) {
  static const auto* const reasons = new std::set<std::string>{"STALE_EPOCH", "RUN_ALREADY_ENDED", "RUN_NOT_FOUND",
                                                               "RUN_HELD_BY_OTHER_ATTEMPT", "NOT_ALLOWED"};
  return absl::IsInvalidArgument(error) || reasons->count(ErrorReason(error)) > 0;
}

}  // namespace

ResultDelivery::ResultDelivery(ControllerLink& link, Spool& spool, AttemptJournal& journal, RunLogs& logs, Clock& clock,
                               Random& random)
    : link_(link),
      spool_(spool),
      journal_(journal),
      logs_(logs),
      clock_(clock),
      backoff_(random),
      log_limiter_(kLogPeriod),
      loop_("delivery", [this] { return Turn(); }) {}

ResultDelivery::~ResultDelivery() { Stop(); }

void ResultDelivery::Start() { loop_.Start(); }

void ResultDelivery::Stop() {
  stop_.Cancel("the agent was stopped");
  loop_.Stop();
}

absl::Duration ResultDelivery::Turn() {
  if (const absl::Status status = spool_.Write(); !status.ok()) {
    LogFailure("results could not be written to the spool", "", status);
  }
  const bool there = DeliverResults(absl::InfiniteDuration(), stop_) && DeliverLogs(absl::InfiniteDuration(), stop_);
  if (stop_.cancelled()) {
    return absl::InfiniteDuration();
  }
  if (!there || !spool_.Keys().empty()) {
    return backoff_.Next();
  }
  backoff_.Reset();
  return logs_.empty() ? absl::InfiniteDuration() : kLogInterval;
}

void ResultDelivery::DeliverLast(absl::Duration budget) {
  Cancellation never;
  const absl::Duration end = clock_.Monotonic() + budget;
  if (DeliverResults(end, never)) {
    DeliverLogs(end, never);
  }
}

bool ResultDelivery::DeliverResults(absl::Duration end, Cancellation& cancellation) {
  for (const AttemptKey& key : spool_.Keys()) {
    const absl::Duration left = end - clock_.Monotonic();
    if (cancellation.cancelled() || left <= absl::ZeroDuration() ||
        !DeliverResult(key, std::min(left, kCallTimeout), cancellation)) {
      return false;
    }
  }
  return true;
}

bool ResultDelivery::DeliverResult(const AttemptKey& key, absl::Duration timeout, Cancellation& cancellation) {
  const absl::StatusOr<v1::CompleteRunRequest> request = spool_.Get(key);
  if (!request.ok()) {
    return true;
  }
  const absl::StatusOr<v1::CompleteRunResponse> answer = link_.CompleteRun(*request, timeout, cancellation);
  if (answer.ok()) {
    LogInfo("result delivered",
            {{"run", key.first}, {"epoch", key.second}, {"state", v1::RunState_Name(request->result().state())}});
    Forget(key);
    return true;
  }
  if (IsFinal(answer.status())) {
    LogError("the controller refused a result; it is kept as evidence",
             {{"run", key.first}, {"epoch", key.second}, {"error", answer.status()}});
    if (const absl::Status status = spool_.Refuse(key); !status.ok()) {
      LogFailure("a refused result could not be put aside", key.first, status);
      return true;
    }
    Forget(key);
    logs_.DiscardFinished(key);
    return true;
  }
  LogFailure("a result could not be delivered", key.first, answer.status());
  return !IsControllerAway(answer.status());
}

void ResultDelivery::Forget(const AttemptKey& key) {
  // The journal may still have it, when the result could not be written at once. It goes first: an entry without result
  // would look cut off.
  absl::Status status = journal_.Remove(key);
  if (status.ok()) {
    status = spool_.Acknowledge(key);
  }
  if (!status.ok()) {
    LogFailure("a delivered result could not be removed", key.first, status);
  }
}

bool ResultDelivery::DeliverLogs(absl::Duration end, Cancellation& cancellation) {
  for (const v1::UploadRunLogRequest& request : logs_.Pending()) {
    const absl::Duration left = end - clock_.Monotonic();
    if (cancellation.cancelled() || left <= absl::ZeroDuration()) {
      return false;
    }
    const AttemptKey key = KeyOf(request.attempt());
    const absl::StatusOr<v1::UploadRunLogResponse> answer =
        link_.UploadRunLog(request, std::min(left, kCallTimeout), cancellation);
    if (answer.ok()) {
      logs_.Acknowledge(key, answer->next_offset());
    } else if (IsControllerAway(answer.status())) {
      return false;
    } else if (!spool_.Contains(key) && IsFinal(answer.status())) {
      logs_.DiscardFinished(key);
    }
  }
  return true;
}

void ResultDelivery::LogFailure(absl::string_view message, const std::string& run, const absl::Status& error) {
  int64_t suppressed_count = 0;
  if (!stop_.cancelled() && log_limiter_.ShouldLog(clock_.Monotonic(), &suppressed_count)) {
    LogWarning(message, {{"run", run}, {"error", error}, {"not_logged", suppressed_count}});
  }
}

}  // namespace backup::agent
