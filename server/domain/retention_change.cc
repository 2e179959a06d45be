// SPDX-License-Identifier: Apache-2.0
#include "server/domain/retention_change.h"

#include <google/protobuf/util/message_differencer.h>

#include <set>
#include <string>

#include "base/proto_json.h"
#include "server/domain/time_zone.h"

namespace backup::server {
namespace {

// In a zone that is not known: nothing goes.
RetentionPlan PlanUnder(const RetentionState& state, const v1::Policy& policy, absl::Time now) {
  const absl::StatusOr<absl::TimeZone> zone = FindTimeZone(policy.spec().schedule().time_zone());
  return zone.ok() ? PlanRetention(state, policy.spec().retention(), *zone, now) : RetentionPlan();
}

// Names of what goes.
std::set<std::string> Going(const RetentionPlan& plan) {
  std::set<std::string> names;
  for (const RetentionDecision& decision : plan.decisions) {
    if (decision.keep.empty()) names.insert(decision.backup);
  }
  return names;
}

}  // namespace

bool ChangesRetention(const std::optional<v1::Policy>& before, const v1::Policy& after) {
  using google::protobuf::util::MessageDifferencer;
  return !before.has_value() || before->spec().schedule().time_zone() != after.spec().schedule().time_zone() ||
         !MessageDifferencer::Equivalent(before->spec().retention(), after.spec().retention());
}

v1::DatabaseDeletion DeletedByChange(const RetentionState& state, const std::optional<v1::Policy>& before,
                                     const v1::Policy& after, absl::Time now) {
  const RetentionPlan plan = PlanUnder(state, after, now);
  std::set<std::string> going = Going(plan);
  if (before.has_value()) {
    for (const std::string& name : Going(PlanUnder(state, *before, now))) going.erase(name);
  }
  v1::DatabaseDeletion deletion;
  if (!going.empty()) {
    for (const FreezeReason reason : plan.frozen) deletion.add_frozen(std::string(FreezeReasonText(reason)));
  }
  for (const RetainedBackup& backup : state.backups) {
    if (!going.contains(backup.name)) continue;
    deletion.set_delete_count(deletion.delete_count() + 1);
    deletion.set_delete_bytes(deletion.delete_bytes() + backup.size_bytes);
    if (deletion.delete_count() == 1) *deletion.mutable_oldest_snapshot_time() = ToProto(backup.snapshot_time);
    *deletion.mutable_newest_snapshot_time() = ToProto(backup.snapshot_time);
  }
  return deletion;
}

}  // namespace backup::server
