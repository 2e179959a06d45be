// SPDX-License-Identifier: Apache-2.0
#include "server/loops/planner_pass.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "server/domain/planning.h"
#include "server/domain/policy_changes.h"

namespace backup::server {

PlannerPass::PlannerPass(Store& store, Clock& clock, Random& random, ChangeFeed& feed, PlannerPassOptions options)
    : store_(store),
      clock_(clock),
      random_(random),
      feed_(feed),
      options_(std::move(options)),
      failure_log_(absl::Minutes(1)) {}

absl::StatusOr<bool> PlannerPass::Run(absl::Duration deadline) {
  ASSIGN_OR_RETURN(const std::vector<v1::Policy> policies, store_.ReadPolicies());
  policy_limits_.clear();
  for (const v1::Policy& policy : policies) {
    if (const int limit = policy.spec().schedule().max_running(); limit > 0) policy_limits_[policy.name()] = limit;
  }
  bool worked = false;
  while (const v1::Policy* policy = Next(policies)) {
    if (worked && clock_.Monotonic() >= deadline) {
      return false;
    }
    worked = true;
    const absl::StatusOr<bool> done = PlanPart(*policy);
    if (!done.ok() && absl::IsUnavailable(done.status())) {
      return done.status();
    }
    if (int64_t suppressed = 0; !done.ok() && failure_log_.ShouldLog(clock_.Monotonic(), &suppressed)) {
      LogWarning("cannot plan policy",
                 {{"subject", policy->name()}, {"suppressed", suppressed}, {"error", done.status()}});
    }
    if (done.value_or(true)) {
      begun_.failed = !done.ok();
      planned_[policy->name()] = begun_;
      current_.clear();
    }
  }
  return true;
}

const v1::Policy* PlannerPass::Next(const std::vector<v1::Policy>& policies) const {
  const v1::Policy* next = nullptr;
  absl::Duration oldest = absl::InfiniteDuration();
  for (const v1::Policy& policy : policies) {
    if (policy.name() == current_) {
      return &policy;
    }
    const auto found = planned_.find(policy.name());
    const absl::Duration since = found == planned_.end() ? -absl::InfiniteDuration() : found->second.time;
    if (IsDue(policy) && (next == nullptr || since < oldest)) {
      next = &policy;
      oldest = since;
    }
  }
  return next;
}

bool PlannerPass::IsDue(const v1::Policy& policy) const {
  const auto found = planned_.find(policy.name());
  if (found == planned_.end() || found->second.etag != policy.etag() || found->second.request != request_) {
    return true;
  }
  const absl::Duration wall_age = clock_.Now() - found->second.wall_time;
  const absl::Duration age = clock_.Monotonic() - found->second.time;
  // A clock that went back has taken rows' times to come with it.
  if (found->second.failed && age >= options_.retry) {
    return true;
  }
  return std::max(wall_age, age) >= options_.renewal || wall_age < absl::ZeroDuration();
}

absl::StatusOr<bool> PlannerPass::PlanPart(const v1::Policy& policy) {
  const absl::Time now = clock_.Now();
  if (current_ != policy.name() || begun_.etag != policy.etag()) {
    current_ = policy.name();
    begun_ = {policy.etag(), request_, now, clock_.Monotonic()};
    next_part_.clear();
  }
  std::vector<std::string> agents;
  bool complete = true;
  const PolicyDecision plan = [&](const PolicyView& view) -> absl::StatusOr<PolicyChange> {
    complete = true;
    if (!view.policy.has_value()) {
      return PolicyChange();  // Deleted since it was read.
    }
    ASSIGN_OR_RETURN(PolicyChange change, PlanRuns(view, now, random_));
    complete = change.planned;
    // The first part's rows reach no further than from then.
    if (complete && view.last_part) {
      change.planned_time = begun_.wall_time;
    }
    return change;
  };
  ASSIGN_OR_RETURN(const std::string next, store_.ChangePolicyPart(policy.name(), now, next_part_, options_.part_size,
                                                                   RecordingAgents(plan, &agents)));
  for (const std::string& agent : agents) {
    feed_.Publish(agent);
  }
  if (!complete) {
    return false;  // Slots of the past are left: the same part again.
  }
  next_part_ = next;
  return next_part_.empty();
}

}  // namespace backup::server
