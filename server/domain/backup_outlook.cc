// SPDX-License-Identifier: Apache-2.0
#include "server/domain/backup_outlook.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/proto_json.h"
#include "base/units.h"
#include "server/domain/retention.h"

namespace backup::server {
namespace {

// Rules that keep several, of which this backup is one.
bool HasPlaces(const std::string& reason) {
  constexpr KeepRule kWithPlaces[] = {KeepRule::kMinimumGood, KeepRule::kLast,    KeepRule::kDaily,
                                      KeepRule::kWeekly,      KeepRule::kMonthly, KeepRule::kYearly};
  return std::any_of(std::begin(kWithPlaces), std::end(kWithPlaces),
                     [&](KeepRule rule) { return reason == std::string(KeepRuleText(rule)); });
}

bool Keeps(const v1::RetentionDecision& decision, const std::string& reason) {
  return std::find(decision.reasons().begin(), decision.reasons().end(), reason) != decision.reasons().end();
}

// "keepDaily, 3 of 7": the third of the seven that this rule keeps now, the newest first.
std::string PlaceText(const v1::RetentionPlan& plan, const v1::Backup& backup, const std::string& reason) {
  int count = 0;
  int place = 0;
  for (const v1::RetentionDecision& decision : plan.decisions()) {
    if (decision.backup().policy() != backup.policy() || !decision.keep() || !Keeps(decision, reason)) continue;
    ++count;
    if (decision.backup().name() == backup.name()) place = count;
  }
  return absl::StrCat(reason, ", ", place, " of ", count);
}

std::string KeptByText(const v1::RetentionPlan& plan, const v1::Backup& backup, const std::string& reason,
                       const std::optional<v1::Policy>& policy) {
  if (HasPlaces(reason)) return PlaceText(plan, backup, reason);
  if (policy.has_value() && reason == std::string(KeepRuleText(KeepRule::kWithin))) {
    return absl::StrCat(reason, " ", backup::FormatDuration(ToAbsl(policy->spec().retention().keep_within())));
  }
  return reason;
}

}  // namespace

v1::BackupOutlook OutlookOfToday(const v1::RetentionPlan& plan, const v1::Backup& backup,
                                 const std::optional<v1::Policy>& policy) {
  v1::BackupOutlook outlook;
  *outlook.mutable_decision()->mutable_backup() = backup;
  for (const v1::RetentionDecision& decision : plan.decisions()) {
    if (decision.backup().name() != backup.name()) continue;
    *outlook.mutable_decision() = decision;
    for (const std::string& reason : decision.reasons()) {
      if (decision.keep()) outlook.add_kept_by(KeptByText(plan, backup, reason, policy));
    }
  }
  for (const v1::PolicyRetention& retention : plan.policies()) {
    if (retention.policy() == backup.policy()) *outlook.mutable_frozen() = retention.frozen();
  }
  return outlook;
}

v1::BackupOutlook OutlookOfDeleted(const v1::Backup& backup) {
  v1::BackupOutlook outlook;
  *outlook.mutable_decision()->mutable_backup() = backup;
  outlook.mutable_decision()->add_reasons(backup.state() == v1::DELETED ? "it is deleted" : "it is being deleted");
  return outlook;
}

}  // namespace backup::server
