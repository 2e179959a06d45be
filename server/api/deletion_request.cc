// SPDX-License-Identifier: Apache-2.0
#include "server/api/deletion_request.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/errors.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "server/api/api_errors.h"
#include "server/domain/deletion.h"
#include "server/domain/retention_plan.h"
#include "server/loops/retention_loop.h"

namespace backup::server {
namespace {

constexpr size_t kMaxReasonBytes = 1000;

absl::Status RetentionFrozen(const v1::RetentionPlan& plan) {
  std::vector<std::string> texts;
  int64_t count = 0;
  for (const v1::PolicyRetention& policy : plan.policies()) {
    if (policy.frozen().empty()) continue;
    count += policy.delete_count();
    texts.push_back(absl::StrCat(policy.policy(), ": ", absl::StrJoin(policy.frozen(), "; ")));
  }
  return MakeError(absl::StatusCode::kFailedPrecondition, "RETENTION_FROZEN",
                   absl::StrCat("nothing was deleted; ", count, count == 1 ? " backup of " : " backups of ",
                                plan.database(), " would go, but ", absl::StrJoin(texts, ", ")),
                   "look at backupctl retention plan DATABASE; to delete them nevertheless: backupctl retention apply "
                   "DATABASE --confirm DATABASE",
                   {{"database", plan.database()}});
}

bool LetsGo(const v1::RetentionPlan& plan) {
  return std::any_of(plan.policies().begin(), plan.policies().end(),
                     [](const v1::PolicyRetention& policy) { return policy.delete_count() > 0; });
}

bool IsFrozen(const v1::RetentionPlan& plan) {
  return std::any_of(plan.policies().begin(), plan.policies().end(),
                     [](const v1::PolicyRetention& policy) { return !policy.frozen().empty(); });
}

}  // namespace

absl::Status DoApplyRetention(const ApiContext& api, const Peer& peer, const v1::ApplyRetentionRequest& request,
                              v1::AppliedRetention& response) {
  RETURN_IF_ERROR(ParseDatabaseName(request.database()).status());
  const absl::Time now = api.clock.Now();
  RetentionOrder order;
  order.actor = peer.ToString();
  order.confirmed = request.confirm();
  order.clock_jumped = api.clock_watch.jumped();
  order.repeat_failed = true;
  v1::RetentionPlan plan;
  response.set_database(request.database());
  if (request.validate_only()) {
    ASSIGN_OR_RETURN(const DatabaseBackupsView view, api.store.ReadDatabaseBackups(request.database(), now));
    plan = PlanDatabaseRetention(view, order.clock_jumped, now);
    *response.mutable_policies() = plan.policies();
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(
      const DatabaseBackupsChange change,
      api.store.ChangeDatabaseBackups(request.database(), now,
                                      [&](const DatabaseBackupsView& view) -> absl::StatusOr<DatabaseBackupsChange> {
                                        plan = PlanDatabaseRetention(view, order.clock_jumped, now);
                                        if (LetsGo(plan)) RETURN_IF_ERROR(CheckCanDelete(view.agent));
                                        order.only_repeat = IsFrozen(plan) && !order.confirmed;
                                        DatabaseBackupsChange change = ApplyRetention(view, order, now, api.random);
                                        // What was begun before is finished whatever stands against the rest.
                                        if (order.only_repeat && change.create_runs.empty())
                                          return RetentionFrozen(plan);
                                        return change;
                                      }));
  PublishRuns(change, api.feed);
  if (order.confirmed) {
    // Nothing stands against what somebody wants to go.
    v1::RetentionPlan confirmed = plan;
    confirmed.clear_policies();
    api.frozen_retention.Note(confirmed);
  } else {
    api.frozen_retention.Note(plan);
  }
  *response.mutable_policies() = plan.policies();
  for (const v1::Run& run : change.create_runs) response.add_delete_runs(run.name());
  return absl::OkStatus();
}

absl::Status DoDeleteBackup(const ApiContext& api, const Peer& peer, const v1::DeleteBackupRequest& request,
                            v1::Run& response) {
  RETURN_IF_ERROR(ParseBackupName(request.name()).status());
  if (request.reason().size() > kMaxReasonBytes) {
    return InvalidField("reason", absl::StrCat("it is longer than ", kMaxReasonBytes, " bytes"));
  }
  ASSIGN_OR_RETURN(const v1::Backup backup, api.store.GetBackup(request.name()));
  RETURN_IF_ERROR(CheckNotDeleted(backup));
  const absl::Time now = api.clock.Now();
  ASSIGN_OR_RETURN(const DatabaseBackupsChange change,
                   api.store.ChangeDatabaseBackups(backup.database(), now, [&](const DatabaseBackupsView& view) {
                     return DeleteBackup(view, request.name(), request.reason(), peer.ToString(), now, api.random);
                   }));
  PublishRuns(change, api.feed);
  ASSIGN_OR_RETURN(response, api.store.GetRun(change.create_runs.at(0).name()));
  return absl::OkStatus();
}

}  // namespace backup::server
