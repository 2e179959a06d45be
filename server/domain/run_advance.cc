// SPDX-License-Identifier: Apache-2.0
#include "server/domain/run_advance.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "base/proto_json.h"
#include "base/units.h"
#include "server/domain/agent_state.h"
#include "server/domain/planning.h"
#include "server/domain/run_state.h"

namespace backup::server {
namespace {

// How long after the start deadline an agent that is heard of may tell what became of a run it holds.
constexpr absl::Duration kReportGrace = absl::Minutes(1);

constexpr char kActor[] = "controller";

RunChange Unchanged(const v1::Run& run) {
  RunChange change;
  change.run = run;
  return change;
}

RunChange End(v1::Run run, v1::RunState state, const std::string& reason, absl::Time now) {
  run.set_state(state);
  run.set_state_reason(reason);
  run.clear_lease_end_time();
  *run.mutable_end_time() = ToProto(now);
  RunChange change;
  change.events.push_back(MakeEvent(now, kActor, run.name(), absl::StrCat("RUN_", v1::RunState_Name(state)), reason));
  change.run = std::move(run);
  return change;
}

RunChange Lose(v1::Run run, const std::string& reason, const std::string& hint, absl::Time now) {
  run.mutable_failure()->Clear();
  run.mutable_failure()->set_cause(v1::AGENT_LOST);
  run.mutable_failure()->set_message(reason);
  run.mutable_failure()->set_hint(hint);
  return End(std::move(run), v1::LOST, reason, now);
}

bool IsOnline(const std::optional<v1::Agent>& agent, absl::Time now) {
  return agent.has_value() && JudgeAgent(*agent, now) == v1::ONLINE;
}

// A held run may have been started by an agent that could not tell so far.
bool MayBeAtWork(const v1::Run& run, const std::optional<v1::Agent>& agent, absl::Time now) {
  return run.delivered() && !IsOnline(agent, now);
}

// Why the run is by rule not to start; "" when it may.
std::string SkipReason(const RunView& view, bool overlap_counts) {
  if (view.run.manual()) {
    return "";
  }
  if (view.policy.has_value() && view.policy->spec().schedule().paused()) {
    return "the policy is paused";
  }
  if (overlap_counts && view.overlapping.has_value() && view.overlapping->name() != view.run.name()) {
    return absl::StrCat("the run before, ", view.overlapping->name(), ", was still working");
  }
  return "";
}

std::string MissReason(const std::optional<v1::Agent>& agent, absl::Time now) {
  if (!agent.has_value()) {
    return "the database's agent is not known";
  }
  switch (JudgeAgent(*agent, now)) {
    case v1::ENROLLED:
      return absl::StrCat("the agent ", agent->name(), " was never heard of");
    case v1::OFFLINE:
      return absl::StrCat("the agent ", agent->name(), " has not been heard of since ",
                          FormatRfc3339(ToAbsl(agent->last_seen_time())));
    default:
      return absl::StrCat("the agent ", agent->name(), " had no free slot or was not told in time");
  }
}

RunChange AdvancePending(const RunView& view, const std::optional<v1::Agent>& agent, absl::Time now) {
  const v1::Run& run = view.run;
  const absl::Time deadline =
      run.has_start_deadline_time() ? ToAbsl(run.start_deadline_time()) : absl::InfiniteFuture();
  if (!MayBeAtWork(run, agent, now)) {
    if (const std::string reason = SkipReason(view, /*overlap_counts=*/false); !reason.empty()) {
      return End(run, v1::SKIPPED, reason, now);
    }
  }
  if (now < deadline) {
    return Unchanged(run);
  }
  if (run.cancel_requested() && IsOnline(agent, now)) {
    return End(run, v1::CANCELLED, run.state_reason(), now);
  }
  if (!run.delivered()) {
    return End(run, v1::MISSED, MissReason(agent, now), now);
  }
  if (IsOnline(agent, now) && now < deadline + kReportGrace) {
    return Unchanged(run);
  }
  return Lose(run, absl::StrCat("the agent holds the run and has not said what became of it; ", MissReason(agent, now)),
              "look at the agent's log; a result that it still holds will be taken", now);
}

}  // namespace

RunChange AdvanceRun(const RunView& view, const std::optional<v1::Agent>& agent, absl::Time now) {
  v1::Run run = view.run;
  switch (run.state()) {
    case v1::SCHEDULED: {
      if (now < ToAbsl(run.not_before_time())) {
        return Unchanged(run);
      }
      std::string reason =
          MayBeAtWork(run, agent, now) ? "" : SkipReason(view, run.spec().overlap() != v1::OVERLAP_MODE_UNSPECIFIED);
      // Which backup a drill restores is known when it is due: until then a newer one may come.
      if (reason.empty() && run.kind() == v1::DRILL) {
        if (view.last_good.has_value()) {
          SetBackupToRead(*view.last_good, run);
        } else {
          reason = "the database has no good backup to restore";
        }
      }
      if (!reason.empty()) {
        return End(std::move(run), v1::SKIPPED, reason, now);
      }
      run.set_state(v1::PENDING);
      RunView due = view;
      due.run = run;
      // Both steps at once when it is long overdue, so that a catch-up is one write for each run.
      RunChange change = AdvancePending(due, agent, now);
      if (change.events.empty()) {
        change.events.push_back(MakeEvent(now, kActor, run.name(), "RUN_PENDING", "due"));
      }
      return change;
    }
    case v1::PENDING:
      return AdvancePending(view, agent, now);
    case v1::RUNNING:
      if (now < ToAbsl(run.lease_end_time())) {
        return Unchanged(run);
      }
      return Lose(std::move(run),
                  absl::StrCat("the agent fell silent during the run; its lease ended at ",
                               FormatRfc3339(ToAbsl(view.run.lease_end_time()))),
                  "when the agent is heard of again it goes on, or its result is taken", now);
    default:
      return Unchanged(run);
  }
}

}  // namespace backup::server
