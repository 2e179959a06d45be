// SPDX-License-Identifier: Apache-2.0
#include "server/domain/run_disowned.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/proto_json.h"
#include "server/domain/not_started.h"
#include "server/domain/run_state.h"

namespace backup::server {

RunChange DisownRun(const RunView& view, const std::set<std::string>& unfinished, absl::Time now) {
  const v1::Run& run = view.run;
  const bool may_be_waited_for = run.state() == v1::LOST || run.state() == v1::PENDING;
  const bool is_over = run.has_start_deadline_time() && ToAbsl(run.start_deadline_time()) <= now;
  if (!may_be_waited_for || !is_over || !run.delivered() || !run.attempt_id().empty() ||
      unfinished.contains(run.name())) {
    RunChange unchanged;
    unchanged.run = run;
    return unchanged;
  }
  v1::Run ended = run;
  ended.set_delivered(false);
  if (run.cancel_requested()) {
    ended.clear_failure();
    return EndNotStarted(
        std::move(ended), v1::CANCELLED,
        {v1::NOT_STARTED_CAUSE_UNSPECIFIED, "it was cancelled on request, and its agent has nothing of it"}, now);
  }
  if (run.retry_count() == 0) ended.clear_failure();  // Of the silence; else it also says what went wrong before.
  return EndNotStarted(
      std::move(ended), v1::MISSED,
      {v1::AGENT_OFFLINE, absl::StrCat("it was given to ", AgentOf(run),
                                       ", which has nothing of it: it did not arrive before its start deadline, or "
                                       "what the agent knew of it is lost")},
      now);
}

}  // namespace backup::server
