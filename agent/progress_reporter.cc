// SPDX-License-Identifier: Apache-2.0
#include "agent/progress_reporter.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "base/errors.h"

namespace backup::agent {
namespace {

constexpr absl::Duration kCallTimeout = absl::Seconds(10);
constexpr absl::Duration kLogPeriod = absl::Minutes(1);

// Whether the controller will not take the result of this attempt, so that working on is of no use. That it does not
// know the run is no such reason: the artifact is worth having.
bool IsOver(const absl::Status& error) {
  const std::string reason = ErrorReason(error);
  return reason == "STALE_EPOCH" || reason == "RUN_ALREADY_ENDED" || reason == "RUN_HELD_BY_OTHER_ATTEMPT";
}

}  // namespace

ProgressReporter::ProgressReporter(ControllerLink& link, RunLoop& runs, const HeldRunSet& held, Clock& clock)
    : link_(link), runs_(runs), held_(held), clock_(clock), log_limiter_(kLogPeriod), loop_("progress", [this] {
        return Turn();
      }) {}

ProgressReporter::~ProgressReporter() { Stop(); }

void ProgressReporter::Start() { loop_.Start(); }

void ProgressReporter::Stop() {
  stop_.Cancel("the agent was stopped");
  loop_.Stop();
}

absl::Duration ProgressReporter::Turn() {
  const std::vector<v1::AttemptProgress> attempts = runs_.Attempts();
  for (const v1::AttemptProgress& attempt : attempts) {
    if (!Report(attempt)) {
      break;
    }
  }
  return attempts.empty() ? absl::InfiniteDuration() : held_.progress_interval();
}

bool ProgressReporter::Report(const v1::AttemptProgress& attempt) {
  const std::string& run = attempt.attempt().run();
  v1::ReportProgressRequest request;
  *request.mutable_progress() = attempt;
  const absl::StatusOr<v1::ReportProgressResponse> answer = link_.ReportProgress(request, kCallTimeout, stop_);
  if (answer.ok()) {
    if (answer->cancel()) {
      runs_.Cancel(run, "it was cancelled on request");
    }
    return true;
  }
  if (IsOver(answer.status())) {
    LogWarning("the controller gave this attempt up; stopping it", {{"run", run}, {"error", answer.status()}});
    runs_.Cancel(run, absl::StrCat("the controller gave this attempt up: ", answer.status().message()));
    return true;
  }
  int64_t suppressed_count = 0;
  if (!stop_.cancelled() && log_limiter_.ShouldLog(clock_.Monotonic(), &suppressed_count)) {
    LogWarning("progress could not be reported; the work goes on",
               {{"run", run}, {"error", answer.status()}, {"not_logged", suppressed_count}});
  }
  return !IsControllerAway(answer.status());
}

}  // namespace backup::agent
