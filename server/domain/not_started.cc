// SPDX-License-Identifier: Apache-2.0
#include "server/domain/not_started.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/proto_json.h"
#include "base/units.h"
#include "server/domain/agent_state.h"
#include "server/domain/run_state.h"

namespace backup::server {
namespace {

std::string SlotText(const v1::Run& run) { return FormatRfc3339(ToAbsl(run.slot_time())); }

// What keeps the agent from starting anything; nothing when it could.
std::optional<NotStarted> AgentTrouble(const std::optional<v1::Agent>& agent, absl::Time up_since, absl::Time now) {
  if (!agent.has_value()) {
    return NotStarted{v1::AGENT_UNKNOWN, "the database's agent is not known"};
  }
  if (!agent->has_last_seen_time()) {
    return NotStarted{v1::AGENT_UNKNOWN, absl::StrCat("the agent ", agent->name(), " was never heard of")};
  }
  if (IsAway(agent, up_since, now)) {
    return NotStarted{v1::AGENT_OFFLINE, absl::StrCat("the agent ", agent->name(), " has not been heard of since ",
                                                      FormatRfc3339(ToAbsl(agent->last_seen_time())))};
  }
  return std::nullopt;
}

// Why an agent that is there did not start it; nothing when nothing is known to have hindered it.
std::optional<NotStarted> Crowd(const v1::Run& run, const std::optional<v1::Agent>& agent) {
  if (run.held_back()) {
    return NotStarted{v1::NO_FREE_SLOT, "the policy or the fleet worked on as many runs as it may at once"};
  }
  if (agent.has_value() && agent->slot_count() > 0 && agent->active_run_count() >= agent->slot_count()) {
    return NotStarted{v1::NO_FREE_SLOT, absl::StrCat("the agent ", agent->name(), " worked on ",
                                                     agent->active_run_count(), " runs, as many as it may at once")};
  }
  return std::nullopt;
}

}  // namespace

bool IsAway(const std::optional<v1::Agent>& agent, absl::Time up_since, absl::Time now) {
  return agent.has_value() && JudgeAgent(*agent, now) == v1::OFFLINE && now - up_since > kAgentSilence;
}

NotStarted WhyMissed(const v1::Run& run, bool advanced, const std::optional<v1::Agent>& agent, absl::Time up_since,
                     absl::Time now) {
  if (!advanced || up_since > ToAbsl(run.start_deadline_time())) {
    return {v1::CONTROLLER_DOWN, "no controller watched over it until its start deadline"};
  }
  if (std::optional<NotStarted> trouble = AgentTrouble(agent, up_since, now)) {
    return *std::move(trouble);
  }
  if (std::optional<NotStarted> crowd = Crowd(run, agent)) {
    return *std::move(crowd);
  }
  return {v1::START_DEADLINE_PASSED,
          absl::StrCat("the agent ", agent->name(), " had no free slot or was not told in time")};
}

NotStarted WhyOvertaken(const v1::Run& run, const v1::Run& later, const std::optional<v1::Agent>& agent,
                        absl::Time up_since, absl::Time now) {
  const std::string stands_in = absl::StrCat("; the slot of ", SlotText(later), " stands in for it");
  std::optional<NotStarted> trouble = AgentTrouble(agent, up_since, now);
  if (!trouble.has_value()) {
    trouble = Crowd(run, agent);
  }
  if (trouble.has_value()) {
    return {trouble->cause, absl::StrCat(trouble->reason, stands_in)};
  }
  return {v1::SUPERSEDED, absl::StrCat("it did not start before the next one was due", stands_in)};
}

NotStarted WhyNotPlanned() { return {v1::CONTROLLER_DOWN, "no controller planned it until its start deadline"}; }

NotStarted WhyStoodInFor(absl::Time later_slot) {
  return {v1::SUPERSEDED, absl::StrCat("no controller planned it at its time; the slot of ", FormatRfc3339(later_slot),
                                       " stands in for it")};
}

NotStarted WhyPaused() { return {v1::POLICY_PAUSED, "the policy is paused"}; }

NotStarted WhyExcluded() {
  return {v1::EXCLUDED_WINDOW, "until its start deadline the policy's notDuring lets nothing start"};
}

NotStarted WhyOverlap(const std::string& working) {
  return {v1::OVERLAP, absl::StrCat("the run before, ", working, ", was still working")};
}

RunChange EndNotStarted(v1::Run run, v1::RunState state, const NotStarted& why, absl::Time now) {
  run.clear_lease_end_time();
  run.set_held_back(false);
  *run.mutable_end_time() = ToProto(now);
  std::string text = why.reason;
  if (run.retry_count() > 0 && state != v1::CANCELLED) {
    state = v1::FAILED;
    run.clear_state_reason();
    run.mutable_failure()->set_message(absl::StrCat(run.failure().message(), "; no attempt followed: ", why.reason));
    text = absl::StrCat(v1::FailureCause_Name(run.failure().cause()), ": ", run.failure().message());
  } else {
    run.set_state_reason(why.reason);
    run.set_not_started_cause(why.cause);
  }
  run.set_state(state);
  RunChange change;
  change.events.push_back(
      MakeEvent(now, kControllerActor, run.name(), absl::StrCat("RUN_", v1::RunState_Name(state)), text));
  change.run = std::move(run);
  return change;
}

}  // namespace backup::server
