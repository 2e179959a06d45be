// SPDX-License-Identifier: Apache-2.0
#include "server/domain/run_advance.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/proto_json.h"
#include "base/units.h"
#include "server/domain/agent_state.h"
#include "server/domain/not_started.h"
#include "server/domain/planning.h"
#include "server/domain/run_state.h"

namespace backup::server {
namespace {

// How long after the start deadline an agent that is heard of may tell what became of a run it holds.
constexpr absl::Duration kReportGrace = absl::Minutes(1);

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
  change.events.push_back(
      MakeEvent(now, kControllerActor, run.name(), absl::StrCat("RUN_", v1::RunState_Name(state)), reason));
  change.run = std::move(run);
  return change;
}

RunChange Lose(v1::Run run, std::string reason, const std::string& hint, absl::Time now) {
  if (run.has_failure()) {
    absl::StrAppend(&reason, "; the attempt before: ", v1::FailureCause_Name(run.failure().cause()), ": ",
                    run.failure().message());
  }
  run.mutable_failure()->Clear();
  run.mutable_failure()->set_cause(v1::AGENT_LOST);
  run.mutable_failure()->set_message(reason);
  run.mutable_failure()->set_hint(hint);
  return End(std::move(run), v1::LOST, reason, now);
}

// One run, and what there is to say of it at one time.
class Advance {
 public:
  Advance(const RunView& view, const std::optional<v1::Agent>& agent, const AdvanceContext& context)
      : view_(view), agent_(agent), context_(context), run_(view.run), now_(context.now) {}

  RunChange Scheduled() {
    if (now_ < ToAbsl(run_.not_before_time())) {
      return Unchanged(run_);
    }
    // Which backup a drill restores is known when it is due: until then a newer one may come.
    if (run_.kind() == v1::DRILL && view_.last_good.has_value()) {
      SetBackupToRead(*view_.last_good, run_);
    }
    if (const std::optional<NotStarted> why = WhySkippedWhenDue()) {
      return EndNotStarted(std::move(run_), v1::SKIPPED, *why, now_);
    }
    run_.set_state(v1::PENDING);
    const bool limited =
        context_.fleet_is_limited || (view_.policy.has_value() && view_.policy->spec().schedule().max_running() > 0);
    run_.set_held_back(limited && !run_.delivered());
    // Both steps at once when it is long overdue, so that a catch-up is one write for each run.
    RunChange change = Pending(/*advanced=*/false);
    if (change.events.empty()) {
      change.events.push_back(MakeEvent(now_, kControllerActor, run_.name(), "RUN_PENDING", "due"));
    }
    return change;
  }

  // `advanced`: it has been PENDING before.
  RunChange Pending(bool advanced) {
    if (IsPaused() && !MayBeAtWork()) {
      return EndNotStarted(run_, v1::SKIPPED, WhyPaused(), now_);
    }
    if (Overtaken() && now_ < deadline()) {
      return IsQueued() ? EndNotStarted(run_, v1::SKIPPED, WhyLeftTheQueue(), now_)
                        : EndNotStarted(run_, v1::MISSED,
                                        WhyOvertaken(run_, *view_.later, agent_, context_.up_since, now_), now_);
    }
    if (now_ < deadline()) {
      return Unchanged(run_);
    }
    if (run_.cancel_requested() && IsOnline()) {
      return End(run_, v1::CANCELLED, run_.state_reason(), now_);
    }
    const NotStarted why = WhyMissed(run_, advanced, agent_, context_.up_since, now_);
    if (!run_.delivered()) {
      return advanced && IsQueued() ? EndNotStarted(run_, v1::SKIPPED, WhyOverlap(view_.overlapping->name()), now_)
                                    : EndNotStarted(run_, v1::MISSED, why, now_);
    }
    if ((IsOnline() && now_ < deadline() + kReportGrace) || now_ < context_.up_since + kAgentSilence) {
      return Unchanged(run_);
    }
    return Lose(run_, absl::StrCat("the agent holds the run and has not said what became of it; ", why.reason),
                "look at the agent's log; a result that it still holds will be taken", now_);
  }

 private:
  absl::Time deadline() const {
    return run_.has_start_deadline_time() ? ToAbsl(run_.start_deadline_time()) : absl::InfiniteFuture();
  }
  bool IsOnline() const { return agent_.has_value() && JudgeAgent(*agent_, now_) == v1::ONLINE; }
  // A held run may have been started by an agent that could not tell so far.
  bool MayBeAtWork() const { return run_.delivered() && !IsOnline(); }
  bool IsPaused() const {
    return !run_.manual() && view_.policy.has_value() && view_.policy->spec().schedule().paused();
  }
  bool IsBehindAnother() const {
    return !run_.manual() && view_.overlapping.has_value() && view_.overlapping->name() != run_.name();
  }
  bool IsQueued() const { return IsBehindAnother() && run_.spec().overlap() == v1::QUEUE_ONE && !run_.delivered(); }
  bool Overtaken() const {
    return !run_.manual() && !run_.delivered() && view_.later.has_value() &&
           ToAbsl(view_.later->not_before_time()) <= now_;
  }
  NotStarted WhyLeftTheQueue() const {
    return {v1::OVERLAP,
            absl::StrCat("the run before, ", view_.overlapping->name(), ", was still working; the slot of ",
                         FormatRfc3339(ToAbsl(view_.later->slot_time())), " waits in its place")};
  }

  // Why the run is by rule not to start.
  std::optional<NotStarted> WhySkippedWhenDue() const {
    if (IsPaused() && !MayBeAtWork()) {
      return WhyPaused();
    }
    if (!run_.manual() && ToAbsl(run_.not_before_time()) >= deadline()) {
      return WhyExcluded();
    }
    // Between the end of a run and its report the catalog still calls it RUNNING: whether it works is known to the
    // agent that holds both.
    if (IsBehindAnother() && run_.spec().overlap() == v1::SKIP && !run_.delivered() && now_ < deadline()) {
      return WhyOverlap(view_.overlapping->name());
    }
    if (run_.kind() == v1::DRILL && !view_.last_good.has_value()) {
      return NotStarted{v1::NO_GOOD_BACKUP, "the database has no good backup to restore"};
    }
    return std::nullopt;
  }

  const RunView& view_;
  const std::optional<v1::Agent>& agent_;
  const AdvanceContext& context_;
  v1::Run run_;
  const absl::Time now_;
};

}  // namespace

RunChange AdvanceRun(const RunView& view, const std::optional<v1::Agent>& agent, const AdvanceContext& context) {
  switch (view.run.state()) {
    case v1::SCHEDULED:
      return Advance(view, agent, context).Scheduled();
    case v1::PENDING:
      return Advance(view, agent, context).Pending(/*advanced=*/true);
    case v1::RUNNING:
      if (context.now < ToAbsl(view.run.lease_end_time())) {
        return Unchanged(view.run);
      }
      return Lose(view.run,
                  absl::StrCat("the agent fell silent during the run; its lease ended at ",
                               FormatRfc3339(ToAbsl(view.run.lease_end_time()))),
                  "when the agent is heard of again it goes on, or its result is taken", context.now);
    default:
      return Unchanged(view.run);
  }
}

}  // namespace backup::server
