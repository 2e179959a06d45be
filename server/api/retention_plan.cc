// SPDX-License-Identifier: Apache-2.0
#include "server/api/retention_plan.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/proto_json.h"
#include "base/status_macros.h"
#include "server/api/all_pages.h"
#include "server/api/find_policy.h"
#include "server/domain/backup_hold.h"
#include "server/domain/retention.h"
#include "server/domain/time_zone.h"

namespace backup::server {
namespace {

// Backups that something reads, or is about to.
absl::StatusOr<std::set<std::string>> ReadBackupsInUse(Store& store, const std::string& database) {
  v1::RunFilter filter;
  filter.set_database(database);
  for (const v1::RunState state : {v1::PENDING, v1::RUNNING}) filter.add_states(state);
  for (const v1::RunKind kind : {v1::VERIFY, v1::RESTORE, v1::DRILL}) filter.add_kinds(kind);
  ASSIGN_OR_RETURN(const std::vector<v1::Run> runs, ReadAllRuns(store, filter));
  std::set<std::string> names;
  for (const v1::Run& run : runs) names.insert(run.backup());
  return names;
}

absl::StatusOr<bool> LastRunFailed(Store& store, const std::string& database, const std::string& policy) {
  v1::RunFilter filter;
  filter.set_database(database);
  filter.set_policy(policy);
  filter.add_kinds(v1::BACKUP);
  // What was cancelled or skipped says nothing of the next one.
  for (const v1::RunState state : {v1::SUCCEEDED, v1::FAILED, v1::LOST, v1::MISSED}) filter.add_states(state);
  ASSIGN_OR_RETURN(const Page<v1::Run> page, store.ListRuns(filter, {1, ""}));
  return !page.items.empty() && page.items[0].state() != v1::SUCCEEDED;
}

RetainedBackup ToRetained(const v1::Backup& backup, const std::set<std::string>& in_use, absl::Time now) {
  RetainedBackup retained;
  retained.name = backup.name();
  retained.sequence = backup.sequence();
  retained.snapshot_time = ToAbsl(backup.snapshot_time());
  retained.size_bytes = backup.size_bytes();
  retained.state = backup.state();
  retained.proven = backup.verification_level() == v1::RESTORED;
  retained.held = IsHeld(backup, now);
  retained.in_use = in_use.contains(backup.name());
  return retained;
}

// The decisions about backups of one policy, by their names, and what they come to.
class PolicyPlan {
 public:
  PolicyPlan(const std::string& policy, const std::vector<const v1::Backup*>& backups) : backups_(backups) {
    retention_.set_policy(policy);
  }

  void KeepAll(const std::string& why) {
    for (const v1::Backup* backup : backups_) Add(*backup, true, {why});
  }

  // `backups` of the state are in the order of backups_.
  void Decide(const RetentionState& state, const v1::Policy& policy, const absl::TimeZone& zone, absl::Time now) {
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

}  // namespace

absl::StatusOr<v1::RetentionPlan> ReadRetentionPlan(Store& store, const std::string& database, absl::Time now) {
  RETURN_IF_ERROR(store.GetDatabase(database).status());
  v1::BackupFilter of_database;
  of_database.set_database(database);
  ASSIGN_OR_RETURN(const std::vector<v1::Backup> backups, ReadAllBackups(store, of_database));
  ASSIGN_OR_RETURN(const std::set<std::string> in_use, ReadBackupsInUse(store, database));
  std::map<std::string, std::vector<const v1::Backup*>> by_policy;
  std::for_each(backups.rbegin(), backups.rend(),  // The oldest first.
                [&](const v1::Backup& backup) { by_policy[backup.policy()].push_back(&backup); });
  v1::RetentionPlan plan;
  plan.set_database(database);
  std::vector<v1::RetentionDecision> decisions;
  for (const auto& [name, of_policy] : by_policy) {
    PolicyPlan policy_plan(name, of_policy);
    ASSIGN_OR_RETURN(const std::optional<v1::Policy> policy, FindPolicy(store, name));
    if (policy.has_value()) {
      ASSIGN_OR_RETURN(const absl::TimeZone zone, FindTimeZone(policy->spec().schedule().time_zone()));
      RetentionState state;
      for (const v1::Backup* backup : of_policy) state.backups.push_back(ToRetained(*backup, in_use, now));
      ASSIGN_OR_RETURN(state.last_run_failed, LastRunFailed(store, database, name));
      policy_plan.Decide(state, *policy, zone, now);
    } else {
      policy_plan.KeepAll(name.empty() ? "made without a policy" : "its policy is gone");
    }
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
