// SPDX-License-Identifier: Apache-2.0
#include "server/domain/retention_plan.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "base/proto_json.h"
#include "server/domain/retention.h"
#include "server/domain/time_zone.h"

namespace backup::server {
namespace {

constexpr char kDeleteCapability[] = "delete";

// Such an agent cannot be taken at its word about the age of a backup.
bool IsSkewed(const std::optional<v1::Agent>& agent) {
  return agent.has_value() && absl::AbsDuration(ToAbsl(agent->clock_skew())) > kClockTolerance;
}

bool CanDelete(const std::optional<v1::Agent>& agent) {
  return agent.has_value() && std::find(agent->capabilities().begin(), agent->capabilities().end(),
                                        kDeleteCapability) != agent->capabilities().end();
}

// Backups that something reads, or is about to.
std::set<std::string> BackupsInUse(const DatabaseBackupsView& view) {
  std::set<std::string> names;
  for (const v1::Run& run : view.open_runs) names.insert(run.backup());
  return names;
}

// The decisions about backups of one policy, and what they come to.
class PolicyPlan {
 public:
  PolicyPlan(const std::string& policy, const std::vector<const v1::Backup*>& backups) : backups_(backups) {
    retention_.set_policy(policy);
  }

  void KeepAll(const std::string& why) {
    for (const v1::Backup* backup : backups_) Add(*backup, true, {why});
  }

  // `backups` of the state are in the order of backups_.
  void Decide(const RetentionState& state, const v1::Policy& policy, const absl::TimeZone& zone, bool can_delete,
              absl::Time now) {
    const server::RetentionPlan plan = PlanRetention(state, policy.spec().retention(), zone, now);
    for (size_t i = 0; i < backups_.size(); ++i) {
      const server::RetentionDecision& decision = plan.decisions[i];
      std::vector<std::string> reasons;
      for (const KeepRule rule : decision.keep) reasons.emplace_back(KeepRuleText(rule));
      if (decision.keep.empty()) reasons.emplace_back(decision.over_budget ? "maxTotalBytes" : "no rule keeps it");
      Add(*backups_[i], !decision.keep.empty(), reasons);
    }
    if (retention_.delete_count() > 0) {
      for (const FreezeReason reason : plan.frozen) retention_.add_frozen(std::string(FreezeReasonText(reason)));
      if (!can_delete) {
        retention_.add_frozen("the agent cannot delete: it is of an older version, or was never heard of");
      }
    }
    retention_.set_over_budget(plan.over_budget);
  }

  const v1::PolicyRetention& retention() const { return retention_; }
  std::vector<v1::RetentionDecision> TakeDecisions() { return std::move(decisions_); }

 private:
  void Add(const v1::Backup& backup, bool keep, const std::vector<std::string>& reasons) {
    v1::RetentionDecision& decision = decisions_.emplace_back();
    *decision.mutable_backup() = backup;
    decision.set_keep(keep);
    decision.mutable_reasons()->Add(reasons.begin(), reasons.end());
    if (keep) {
      retention_.set_keep_count(retention_.keep_count() + 1);
      retention_.set_keep_bytes(retention_.keep_bytes() + backup.size_bytes());
    } else {
      retention_.set_delete_count(retention_.delete_count() + 1);
      retention_.set_delete_bytes(retention_.delete_bytes() + backup.size_bytes());
    }
  }

  const std::vector<const v1::Backup*>& backups_;
  v1::PolicyRetention retention_;
  std::vector<v1::RetentionDecision> decisions_;
};

void PlanPolicy(const DatabaseBackupsView& view, const std::string& name, bool clock_jumped, absl::Time now,
                const std::vector<const v1::Backup*>& backups, PolicyPlan& plan) {
  const auto policy = view.policies.find(name);
  if (policy == view.policies.end()) {
    plan.KeepAll(name.empty() ? "made without a policy" : "its policy is gone");
    return;
  }
  const absl::StatusOr<absl::TimeZone> zone = FindTimeZone(policy->second.spec().schedule().time_zone());
  if (!zone.ok()) {
    plan.KeepAll("the time zone of its policy is not known here");
    return;
  }
  const std::set<std::string> in_use = BackupsInUse(view);
  RetentionState state;
  for (const v1::Backup* backup : backups) {
    state.backups.push_back(ToRetained(*backup, now));
    state.backups.back().in_use = in_use.contains(backup->name());
  }
  state.last_run_failed = view.failing_policies.contains(name);
  state.clock_jumped = clock_jumped || IsSkewed(view.agent);
  plan.Decide(state, policy->second, *zone, CanDelete(view.agent), now);
}

}  // namespace

absl::Status CheckCanDelete(const std::optional<v1::Agent>& agent) {
  if (CanDelete(agent)) return absl::OkStatus();
  return MakeError(absl::StatusCode::kFailedPrecondition, "AGENT_CANNOT_DELETE",
                   "the agent of the database does not say that it can delete backups",
                   "start the agent, or bring it to the controller's version");
}

v1::RetentionPlan PlanDatabaseRetention(const DatabaseBackupsView& view, bool clock_jumped, absl::Time now) {
  std::map<std::string, std::vector<const v1::Backup*>> by_policy;
  for (const v1::Backup& backup : view.backups) {
    if (backup.state() != v1::DELETING) by_policy[backup.policy()].push_back(&backup);
  }
  v1::RetentionPlan plan;
  plan.set_database(view.database.name());
  std::vector<v1::RetentionDecision> decisions;
  for (const auto& [name, backups] : by_policy) {
    PolicyPlan policy_plan(name, backups);
    PlanPolicy(view, name, clock_jumped, now, backups, policy_plan);
    *plan.add_policies() = policy_plan.retention();
    std::vector<v1::RetentionDecision> more = policy_plan.TakeDecisions();
    std::move(more.begin(), more.end(), std::back_inserter(decisions));
  }
  std::sort(decisions.begin(), decisions.end(), [](const v1::RetentionDecision& a, const v1::RetentionDecision& b) {
    return a.backup().sequence() > b.backup().sequence();
  });
  plan.mutable_decisions()->Reserve(static_cast<int>(decisions.size()));
  for (v1::RetentionDecision& decision : decisions) *plan.add_decisions() = std::move(decision);
  return plan;
}

}  // namespace backup::server
