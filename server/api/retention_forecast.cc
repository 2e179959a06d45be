// SPDX-License-Identifier: Apache-2.0
#include "server/api/retention_forecast.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/proto_json.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "server/api/find_policy.h"
#include "server/domain/backup_outlook.h"
#include "server/domain/retention.h"
#include "server/domain/retention_plan.h"
#include "server/domain/retention_simulation.h"

namespace backup::server {
namespace {

constexpr int kDefaultDays = 400;
constexpr int kMaxDays = 4000;
constexpr absl::Duration kOutlook = absl::Hours(24 * 3652);  // Ten years.

// The policy that was given or named, else the one that covers the database.
absl::StatusOr<v1::Policy> ChooseSimulatedPolicy(Store& store, const v1::SimulateRetentionRequest& request,
                                                 const v1::Database& database) {
  const std::string& name = request.policy();
  if (request.has_as_policy()) {
    if (!name.empty()) return InvalidField("policy", "as_policy is given: leave this out");
    return PolicyAsGiven(store, request.as_policy());
  }
  if (!name.empty()) {
    RETURN_IF_ERROR(ParsePolicyName(name).status());
    return store.GetPolicy(name);
  }
  ASSIGN_OR_RETURN(std::optional<v1::Policy> policy, FindCoveringPolicy(store, database));
  if (!policy.has_value()) {
    return MakeError(absl::StatusCode::kNotFound, "POLICY_NOT_FOUND",
                     absl::StrCat("no policy covers ", database.name()), "name a policy: then as if it did");
  }
  return *std::move(policy);
}

// What is known today of the backups that `policy` made, from a plan for all of the database's.
RetentionToday ToToday(const DatabaseBackupsView& view, const v1::RetentionPlan& plan, v1::Policy policy,
                       absl::Time now) {
  RetentionToday today;
  today.now = now;
  today.last_run_failed = view.failing_policies.contains(policy.name());
  const std::string in_use(KeepRuleText(KeepRule::kInUse));
  for (const v1::RetentionDecision& decision : plan.decisions()) {  // The newest first.
    const v1::Backup& backup = decision.backup();
    if (backup.state() == v1::GOOD && today.other_size_bytes == 0) today.other_size_bytes = backup.size_bytes();
    if (backup.policy() != policy.name()) continue;
    today.backups.push_back(backup);
    if (std::find(decision.reasons().begin(), decision.reasons().end(), in_use) != decision.reasons().end()) {
      today.in_use.insert(backup.name());
    }
  }
  std::reverse(today.backups.begin(), today.backups.end());
  today.policy = std::move(policy);
  return today;
}

}  // namespace

absl::StatusOr<v1::RetentionSimulation> ReadRetentionSimulation(Store& store,
                                                                const v1::SimulateRetentionRequest& request,
                                                                absl::Time now) {
  RETURN_IF_ERROR(ParseDatabaseName(request.database()).status());
  if (request.day_count() < 0 || request.day_count() > kMaxDays) {
    return InvalidField("day_count", absl::StrCat("must be 1 to ", kMaxDays, ", or 0 for ", kDefaultDays));
  }
  ASSIGN_OR_RETURN(const DatabaseBackupsView view, store.ReadDatabaseBackups(request.database(), now));
  ASSIGN_OR_RETURN(v1::Policy policy, ChooseSimulatedPolicy(store, request, view.database));
  // A clock that jumped is trusted again long before the end.
  const v1::RetentionPlan plan = PlanDatabaseRetention(view, /*clock_jumped=*/false, now);
  const RetentionToday today = ToToday(view, plan, std::move(policy), now);
  const int days = request.day_count() == 0 ? kDefaultDays : request.day_count();
  ASSIGN_OR_RETURN(v1::RetentionSimulation simulation, SimulateRetention(today, absl::Hours(24 * days)));
  simulation.set_database(request.database());
  simulation.set_as_given(request.has_as_policy());
  return simulation;
}

absl::StatusOr<v1::BackupOutlook> ReadBackupOutlook(Store& store, const v1::GetBackupOutlookRequest& request,
                                                    bool clock_jumped, absl::Time now) {
  RETURN_IF_ERROR(ParseBackupName(request.name()).status());
  ASSIGN_OR_RETURN(v1::Backup backup, store.GetBackup(request.name()));
  backup.clear_manifest();
  if (backup.state() == v1::DELETING || backup.state() == v1::DELETED) return OutlookOfDeleted(backup);
  ASSIGN_OR_RETURN(const DatabaseBackupsView view, store.ReadDatabaseBackups(backup.database(), now));
  const v1::RetentionPlan plan = PlanDatabaseRetention(view, clock_jumped, now);
  ASSIGN_OR_RETURN(std::optional<v1::Policy> policy, FindPolicy(store, backup.policy()));
  v1::BackupOutlook outlook = OutlookOfToday(plan, backup, policy);
  if (policy.has_value()) {
    const RetentionToday today = ToToday(view, plan, *std::move(policy), now);
    ASSIGN_OR_RETURN(const DeletionForecast forecast, ForecastDeletion(today, backup.name(), kOutlook));
    *outlook.mutable_simulated_until_time() = ToProto(forecast.simulated_until);
    if (forecast.delete_time != absl::InfiniteFuture()) {
      *outlook.mutable_expected_delete_time() = ToProto(forecast.delete_time);
    }
    if (forecast.unkept_time != absl::InfiniteFuture()) {
      *outlook.mutable_unkept_time() = ToProto(forecast.unkept_time);
      for (const FreezeReason reason : forecast.frozen) {
        outlook.add_unkept_frozen(std::string(FreezeReasonText(reason)));
      }
    }
  }
  return outlook;
}

}  // namespace backup::server
