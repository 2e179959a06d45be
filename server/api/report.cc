// SPDX-License-Identifier: Apache-2.0
#include "server/api/report.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "server/api/agent_input.h"
#include "server/domain/run_attempt.h"
#include "server/domain/run_completion.h"
#include "server/domain/run_retry.h"
#include "server/domain/run_state.h"

namespace backup::server {
namespace {

bool Owns(const Peer& peer, const v1::Run& run) { return AgentOf(run) == MakeAgentName(peer.id); }

// Changes a run on behalf of the agent that owns it. The check is part of the decision, so nothing comes in between.
absl::StatusOr<v1::Run> ChangeOwnRun(const ApiContext& api, const Peer& peer, const v1::AttemptRef& attempt,
                                     absl::string_view what, const RunDecision& decide) {
  RETURN_IF_ERROR(ParseRunName(attempt.run()).status());
  bool foreign = false;
  absl::StatusOr<v1::Run> run =
      api.store.ChangeRun(attempt.run(), [&](const RunView& view) -> absl::StatusOr<RunChange> {
        foreign = !Owns(peer, view.run);
        if (foreign) {
          return absl::PermissionDeniedError("");
        }
        return decide(view);
      });
  if (foreign) {
    return api.refusals.Refuse(peer, what, attempt.run());
  }
  RETURN_IF_ERROR(run.status());
  api.feed.Publish(run->name());
  return run;
}

}  // namespace

absl::StatusOr<v1::Run> RecordProgress(const ApiContext& api, const Peer& peer, const v1::AttemptProgress& progress) {
  const absl::Time now = api.clock.Now();
  return ChangeOwnRun(api, peer, progress.attempt(), "report progress of", [&](const RunView& view) {
    return StartOrExtendRun(view, progress, now, api.settings.lease_duration);
  });
}

absl::Status DoReportProgress(const ApiContext& api, const Peer& peer, const v1::ReportProgressRequest& request,
                              v1::ReportProgressResponse& response) {
  ASSIGN_OR_RETURN(const v1::Run run, RecordProgress(api, peer, request.progress()));
  response.set_cancel(run.cancel_requested());
  return absl::OkStatus();
}

absl::Status DoCompleteRun(const ApiContext& api, const Peer& peer, const v1::CompleteRunRequest& request,
                           v1::CompleteRunResponse& response) {
  ASSIGN_OR_RETURN(const v1::RunResult result, CleanRunResult(request.result()));
  const absl::Time now = api.clock.Now();
  ASSIGN_OR_RETURN(const v1::Run run,
                   ChangeOwnRun(api, peer, request.attempt(), "report the end of", [&](const RunView& view) {
                     return CompleteRun(view, request.attempt(), result, now);
                   }));
  // The run no longer belongs to what the agent should hold.
  api.feed.Publish(AgentOf(run));
  if (run.kind() == v1::BACKUP && run.state() == v1::SUCCEEDED) {
    api.retain(run.database());
  }
  response.set_state(run.state());
  return absl::OkStatus();
}

absl::Status DoUploadRunLog(const ApiContext& api, const Peer& peer, const v1::UploadRunLogRequest& request,
                            v1::UploadRunLogResponse& response) {
  const v1::AttemptRef& attempt = request.attempt();
  RETURN_IF_ERROR(ParseRunName(attempt.run()).status());
  ASSIGN_OR_RETURN(std::vector<v1::RunLogLine> lines, CleanLogLines(request));
  ASSIGN_OR_RETURN(const v1::Run run, api.store.GetRun(attempt.run()));
  if (!Owns(peer, run)) {
    return api.refusals.Refuse(peer, "write the log of", run.name());
  }
  // The last lines of an attempt come after its end, and that may have made another.
  const bool retried = WasRetried(run, attempt);
  if (!retried && run.epoch() != attempt.epoch()) {
    return StaleEpoch(run.name(), attempt.epoch(), run.epoch());
  }
  if (!retried && run.attempt_id() != attempt.attempt_id()) {
    return RunHeldByOtherAttempt(run.name());
  }
  // Each attempt counts its lines from 0; in the run's log they come after those of the attempt before.
  const int64_t first_offset = (run.retry_count() - (retried ? 1 : 0)) * kMaxLogOffset;
  for (v1::RunLogLine& line : lines) {
    line.set_offset(line.offset() + first_offset);
  }
  ASSIGN_OR_RETURN(const int64_t next_offset, api.store.AppendRunLog(run.name(), lines));
  api.feed.Publish(run.name());
  response.set_next_offset(std::max<int64_t>(next_offset - first_offset, 0));
  return absl::OkStatus();
}

}  // namespace backup::server
