// SPDX-License-Identifier: Apache-2.0
#include "server/domain/run_attempt.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/proto_json.h"
#include "server/domain/reported_values.h"
#include "server/domain/run_fence.h"
#include "server/domain/run_state.h"

namespace backup::server {

absl::StatusOr<RunChange> StartOrExtendRun(const RunView& view, const v1::AttemptProgress& attempt, absl::Time now,
                                           absl::Duration lease) {
  const v1::AttemptRef& ref = attempt.attempt();
  if (!IsValidAttemptId(ref.attempt_id())) {
    return MakeError(absl::StatusCode::kInvalidArgument, "ATTEMPT_INVALID", "the attempt has no valid id");
  }
  if (IsTerminal(view.run.state()) && view.run.state() != v1::LOST) {
    return RunAlreadyEnded(view.run.name(), v1::RunState_Name(view.run.state()));
  }
  if (absl::Status fence = CheckFence(view.run, ref); !fence.ok()) {
    return fence;
  }
  RunChange change;
  change.run = view.run;
  v1::Run& run = change.run;
  const v1::RunState before = run.state();
  run.set_state(v1::RUNNING);
  run.set_attempt_id(ref.attempt_id());
  run.set_delivered(true);
  run.set_held_back(false);
  if (before == v1::LOST) {
    run.clear_state_reason();
  }
  if (before != v1::RUNNING) {
    run.clear_failure();  // That of the silence, or of the attempt before.
  }
  run.clear_end_time();
  *run.mutable_lease_end_time() = ToProto(now + lease);
  if (!run.has_start_time()) {
    *run.mutable_start_time() = SaneTime(attempt.has_start_time(), attempt.start_time(), now);
  }
  if (attempt.has_progress()) {
    *run.mutable_progress() = SaneProgress(attempt.progress(), now);
  }
  if (before == v1::LOST) {
    change.events.push_back(MakeEvent(now, AgentOf(run), run.name(), "RUN_RESUMED", "the agent is heard of again"));
  } else if (before != v1::RUNNING) {
    change.events.push_back(MakeEvent(now, AgentOf(run), run.name(), "RUN_STARTED",
                                      absl::StrCat("attempt ", ref.attempt_id(), ", epoch ", ref.epoch())));
  }
  return change;
}

}  // namespace backup::server
