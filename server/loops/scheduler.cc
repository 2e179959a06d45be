// SPDX-License-Identifier: Apache-2.0
#include "server/loops/scheduler.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "base/status_macros.h"
#include "server/domain/planning.h"
#include "server/domain/policy_changes.h"
#include "server/domain/run_advance.h"
#include "server/domain/run_state.h"

namespace backup::server {
namespace {

constexpr int kAdvanceBatch = 500;
constexpr int kPolicyPage = 1000;
constexpr int kMaxBackoffDoublings = 10;

// Whether trying the next policy or run is of no use now.
bool IsCatalogDown(const absl::Status& status) { return absl::IsUnavailable(status); }

}  // namespace

Scheduler::Scheduler(Store& store, Clock& clock, Random& random, ChangeFeed& feed, SchedulerOptions options)
    : store_(store),
      clock_(clock),
      random_(random),
      feed_(feed),
      options_(std::move(options)),
      next_plan_(clock.Monotonic()),
      failure_log_(absl::Minutes(1)) {}

void Scheduler::RequestReplan() {
  MutexLock lock(mu_);
  replan_requested_ = true;
}

bool Scheduler::TakePlanIsDue() {
  MutexLock lock(mu_);
  const bool due = replan_requested_ || clock_.Monotonic() >= next_plan_;
  replan_requested_ = false;
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
  // Planning comes first: after an outage it finds by the rows still SCHEDULED which slots had none.
  if (TakePlanIsDue()) {
    if (absl::Status status = PlanAll(); !status.ok()) {
      RequestReplan();
      return status;
    }
    next_plan_ = clock_.Monotonic() + options_.replan_interval;
  }
  RETURN_IF_ERROR(AdvanceAll());
  const absl::Time now = clock_.Now();
  ASSIGN_OR_RETURN(const absl::Time next, store_.NextAdvanceTime(now));
  const absl::Duration to_plan = std::max(next_plan_ - clock_.Monotonic(), absl::ZeroDuration());
  return std::min({to_plan, options_.max_wait, next > now ? next - now : options_.min_backoff});
}

absl::Status Scheduler::PlanAll() {
  PageRequest page;
  page.size = kPolicyPage;
  do {
    ASSIGN_OR_RETURN(Page<v1::Policy> policies, store_.ListPolicies(page));
    for (const v1::Policy& policy : policies.items) {
      if (absl::Status status = PlanPolicy(policy.name()); !status.ok()) {
        if (IsCatalogDown(status)) {
          return status;
        }
        LogFailure("cannot plan policy", policy.name(), status);
      }
    }
    page.token = policies.next_token;
  } while (!page.token.empty());
  return absl::OkStatus();
}

absl::Status Scheduler::PlanPolicy(const std::string& name) {
  const absl::Time now = clock_.Now();
  std::vector<std::string> agents;
  const PolicyDecision plan = [&](const PolicyView& view) -> absl::StatusOr<PolicyChange> {
    if (!view.policy.has_value()) {
      return PolicyChange();  // Deleted since it was listed.
    }
    return PlanRuns(view, now, random_);
  };
  RETURN_IF_ERROR(store_.ChangePolicy(name, now, RecordingAgents(plan, &agents)).status());
  for (const std::string& agent : agents) {
    feed_.Publish(agent);
  }
  return absl::OkStatus();
}

absl::Status Scheduler::AdvanceAll() {
  const absl::Time now = clock_.Now();
  std::set<std::string> seen;
  while (true) {
    // Those seen and still listed must not take the places of the others.
    const int limit = kAdvanceBatch + static_cast<int>(seen.size());
    ASSIGN_OR_RETURN(const std::vector<std::string> names, store_.ListRunsToAdvance(now, limit));
    bool found_new = false;
    for (const std::string& name : names) {
      if (!seen.insert(name).second) {
        continue;
      }
      found_new = true;
      if (absl::Status status = AdvanceOne(name, now); !status.ok()) {
        if (IsCatalogDown(status)) {
          return status;
        }
        LogFailure("cannot advance run", name, status);
      }
    }
    if (!found_new || static_cast<int>(names.size()) < limit) {
      return absl::OkStatus();
    }
  }
}

absl::Status Scheduler::AdvanceOne(const std::string& name, absl::Time now) {
  ASSIGN_OR_RETURN(const v1::Run run, store_.GetRun(name));
  const std::string agent_name = AgentOf(run);
  ASSIGN_OR_RETURN(const std::optional<v1::Agent> agent, FindAgent(agent_name));
  v1::RunState before = run.state();
  ASSIGN_OR_RETURN(const v1::Run after, store_.ChangeRun(name, [&](const RunView& view) {
    before = view.run.state();
    return AdvanceRun(view, agent, now);
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
