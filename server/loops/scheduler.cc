// SPDX-License-Identifier: Apache-2.0
#include "server/loops/scheduler.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "base/proto_json.h"
#include "base/status_macros.h"
#include "server/domain/agent_state.h"
#include "server/domain/places.h"
#include "server/domain/planning.h"
#include "server/domain/policy_changes.h"
#include "server/domain/run_advance.h"
#include "server/domain/run_state.h"

namespace backup::server {
namespace {

constexpr int kAdvanceBatch = 500;
// Slots may have come and gone without a row when nothing was planned for so long: rows reach further ahead.
constexpr absl::Duration kOutage = absl::Hours(2);
constexpr int kMaxBackoffDoublings = 10;
constexpr int kMaxWaiting = 1000;
// A longer time without a turn is a break: what was due in it was watched by nobody.
constexpr absl::Duration kBreak = absl::Minutes(1);

// Whether trying the next policy or run is of no use now.
bool IsCatalogDown(const absl::Status& status) { return absl::IsUnavailable(status); }

}  // namespace

Scheduler::Scheduler(Store& store, Clock& clock, Random& random, ChangeFeed& feed, SchedulerOptions options)
    : store_(store),
      clock_(clock),
      random_(random),
      feed_(feed),
      options_(std::move(options)),
      planner_(store, clock, random, feed),
      next_plan_(clock.Monotonic()),
      failure_log_(absl::Minutes(1)) {}

void Scheduler::RequestReplan() {
  MutexLock lock(mu_);
  replan_requested_ = true;
}

void Scheduler::RequestPlan() {
  MutexLock lock(mu_);
  plan_requested_ = true;
}

bool Scheduler::TakePlanIsDue() {
  // Requests wait until it has caught up, which otherwise might never end.
  if (catching_up_) {
    return true;
  }
  MutexLock lock(mu_);
  const bool due = replan_requested_ || plan_requested_ || clock_.Monotonic() >= next_plan_;
  if (replan_requested_) {
    planner_.RequestAll();
  }
  replan_requested_ = false;
  plan_requested_ = false;
  return due;
}

absl::Duration Scheduler::RunOnce() {
  agents_.clear();
  absl::StatusOr<absl::Duration> wait = Turn();
  if (wait.ok()) {
    failed_turn_count_ = 0;
    return *wait;
  }
  LogFailure("scheduler turn failed", "", wait.status());
  const absl::Duration backoff = options_.min_backoff * (1 << std::min(failed_turn_count_, kMaxBackoffDoublings));
  ++failed_turn_count_;
  return std::min(backoff, options_.max_backoff);
}

absl::StatusOr<absl::Duration> Scheduler::Turn() {
  const absl::Duration deadline = clock_.Monotonic() + options_.budget;
  goes_on_ = false;
  // The clock may also have been set back since.
  if (clock_.Monotonic() - last_turn_ > kBreak || up_since_ > clock_.Now()) {
    up_since_ = clock_.Now();
  }
  // Planning comes first, so that a later slot that stands in for others is there when they are judged.
  if (TakePlanIsDue()) {
    RETURN_IF_ERROR(PlanDue(deadline));
  }
  if (catching_up_) {
    last_turn_ = clock_.Monotonic();
    return absl::ZeroDuration();
  }
  RETURN_IF_ERROR(AdvanceAll(deadline));
  RETURN_IF_ERROR(GiveFreePlaces());
  last_turn_ = clock_.Monotonic();
  if (goes_on_) {
    return absl::ZeroDuration();
  }
  const absl::Time now = clock_.Now();
  ASSIGN_OR_RETURN(const absl::Time next, store_.NextAdvanceTime(now));
  const absl::Duration to_plan = std::max(next_plan_ - clock_.Monotonic(), absl::ZeroDuration());
  return std::min({to_plan, options_.max_wait, next > now ? next - now : options_.min_backoff});
}

absl::Status Scheduler::PlanDue(absl::Duration deadline) {
  next_plan_ = clock_.Monotonic();  // Until it is done.
  // A machine that slept has had an outage by its wall clock alone.
  catching_up_ |= clock_.Monotonic() - last_planned_ > kOutage || clock_.Now() - last_planned_wall_time_ > kOutage;
  ASSIGN_OR_RETURN(const bool done, planner_.Run(deadline));
  if (done) {
    catching_up_ = false;
    last_planned_ = clock_.Monotonic();
    last_planned_wall_time_ = clock_.Now();
    next_plan_ = last_planned_ + options_.replan_interval;
  }
  goes_on_ |= !done;
  return absl::OkStatus();
}

absl::Status Scheduler::AdvanceAll(absl::Duration deadline) {
  AdvanceContext context;
  context.now = clock_.Now();
  context.up_since = up_since_;
  context.fleet_is_limited = options_.max_running_runs > 0;
  bool worked = false;
  while (true) {
    // Those seen and still listed must not take the places of the others.
    const int limit = kAdvanceBatch + static_cast<int>(advanced_.size());
    ASSIGN_OR_RETURN(const std::vector<std::string> names, store_.ListRunsToAdvance(context.now, limit));
    bool found_new = false;
    for (const std::string& name : names) {
      if (worked && clock_.Monotonic() >= deadline) {
        goes_on_ = true;
        return absl::OkStatus();
      }
      if (!advanced_.insert(name).second) {
        continue;
      }
      worked = true;
      found_new = true;
      if (absl::Status status = AdvanceOne(name, context); !status.ok()) {
        if (IsCatalogDown(status)) {
          return status;
        }
        LogFailure("cannot advance run", name, status);
      }
    }
    // What one run became may be news for another.
    if (!found_new) {
      advanced_.clear();
      return absl::OkStatus();
    }
  }
}

absl::Status Scheduler::AdvanceOne(const std::string& name, const AdvanceContext& context) {
  ASSIGN_OR_RETURN(const v1::Run run, store_.GetRun(name));
  const std::string agent_name = AgentOf(run);
  ASSIGN_OR_RETURN(const std::optional<v1::Agent> agent, FindAgent(agent_name));
  v1::RunState before = run.state();
  ASSIGN_OR_RETURN(const v1::Run after, store_.ChangeRun(name, [&](const RunView& view) {
    before = view.run.state();
    return AdvanceRun(view, agent, context);
  }));
  if (after.state() == before) {
    return absl::OkStatus();
  }
  feed_.Publish(name);
  // What is due changes nothing for the agent that holds it already.
  if (after.state() != v1::PENDING || !after.delivered()) {
    feed_.Publish(agent_name);
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> Scheduler::FreeSlots(const std::string& agent_name, absl::Time now) {
  ASSIGN_OR_RETURN(const std::optional<v1::Agent> agent, FindAgent(agent_name));
  if (!agent.has_value() || JudgeAgent(*agent, now) != v1::ONLINE) {
    return 0;
  }
  // What it said before it got places does not count what it starts with them.
  const auto given = places_given_.find(agent_name);
  if (given != places_given_.end() && ToAbsl(agent->last_seen_time()) <= given->second && given->second <= now) {
    return 0;
  }
  return agent->slot_count() == 0 ? kMaxWaiting : agent->slot_count() - agent->active_run_count();
}

absl::Status Scheduler::GiveFreePlaces() {
  const absl::Time now = clock_.Now();
  ASSIGN_OR_RETURN(const Places places, store_.ReadPlaces(now - kAgentSilence, kMaxWaiting));
  absl::Status failure;
  std::map<std::string, int64_t> free_slots;  // Of those asked about, less those that are taken here.
  const auto ready = [&](const v1::Run& run) {
    const std::string agent = AgentOf(run);
    const auto [slots, is_new] = free_slots.try_emplace(agent, 0);
    if (is_new) {
      const absl::StatusOr<int64_t> free = FreeSlots(agent, now);
      failure.Update(free.status());
      slots->second = free.ok() ? *free : 0;
    }
    return ToAbsl(run.not_before_time()) <= now && slots->second-- > 0;
  };
  for (const std::string& name : GivePlaces(places, {options_.max_running_runs, planner_.policy_limits()}, ready)) {
    ASSIGN_OR_RETURN(const v1::Run run, store_.ChangeRun(name, [&](const RunView& view) -> absl::StatusOr<RunChange> {
      return LetGo(view.run, now);
    }));
    places_given_[AgentOf(run)] = now;
    feed_.Publish(name);
    feed_.Publish(AgentOf(run));
  }
  return failure;
}

absl::StatusOr<std::optional<v1::Agent>> Scheduler::FindAgent(const std::string& name) {
  if (const auto found = agents_.find(name); found != agents_.end()) {
    return found->second;
  }
  absl::StatusOr<v1::Agent> agent = store_.GetAgent(name);
  if (!agent.ok() && !absl::IsNotFound(agent.status())) {
    return agent.status();
  }
  std::optional<v1::Agent> known;
  if (agent.ok()) {
    known = *std::move(agent);
  }
  return agents_[name] = known;
}

void Scheduler::LogFailure(absl::string_view what, const std::string& subject, const absl::Status& status) {
  int64_t suppressed = 0;
  if (failure_log_.ShouldLog(clock_.Monotonic(), &suppressed)) {
    LogWarning(what, {{"subject", subject}, {"suppressed", suppressed}, {"error", status}});
  }
}

}  // namespace backup::server
