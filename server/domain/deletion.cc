// SPDX-License-Identifier: Apache-2.0
#include "server/domain/deletion.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/errors.h"
#include "base/proto_json.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "server/domain/backup_hold.h"
#include "server/domain/planning.h"
#include "server/domain/retention_plan.h"
#include "server/domain/run_state.h"

namespace backup::server {
namespace {

constexpr size_t kMaxDeleteReasonBytes = 1000;

// Adds the run that removes the backup's files.
void AddDeleteRun(const v1::Backup& backup, absl::string_view actor, const std::string& why, absl::Time now,
                  Random& random, DatabaseBackupsChange& change) {
  v1::Run run = NewDeleteRun(backup, now, random);
  v1::Backup deleting = backup;
  deleting.set_state(v1::DELETING);
  deleting.set_delete_reason(why);
  deleting.set_delete_run(run.name());
  change.events.push_back(MakeEvent(now, actor, backup.name(), "BACKUP_DELETING", absl::StrCat(why, "; ", run.name())));
  change.backups.push_back(std::move(deleting));
  change.create_runs.push_back(std::move(run));
}

// What was begun and whose run is over is tried again.
void RepeatDeletions(const DatabaseBackupsView& view, absl::Time now, Random& random, DatabaseBackupsChange& change) {
  std::set<std::string> open;
  for (const v1::Run& run : view.open_runs) open.insert(run.name());
  for (const v1::Backup& backup : view.backups) {
    if (backup.state() == v1::DELETING && !open.contains(backup.delete_run())) {
      AddDeleteRun(backup, "controller", backup.delete_reason(), now, random, change);
    }
  }
}

absl::Status Protected(const v1::Backup& backup, absl::string_view why, absl::string_view hint) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "BACKUP_PROTECTED",
                   absl::StrCat(backup.name(), " cannot be deleted: ", why), hint, {{"backup", backup.name()}});
}

absl::Status CheckMayGo(const DatabaseBackupsView& view, const v1::Backup& backup, absl::Time now) {
  RETURN_IF_ERROR(CheckNotDeleted(backup));
  if (IsHeld(backup, now)) {
    return Protected(backup, absl::StrCat("it is held: ", backup.hold().reason()),
                     "release it with backupctl backup release");
  }
  for (const v1::Run& run : view.open_runs) {
    if (run.backup() == backup.name()) {
      return Protected(backup, absl::StrCat(run.name(), " reads it"), "wait for the run, or cancel it");
    }
  }
  const v1::Backup* newest_good = nullptr;
  const v1::Backup* newest_proven = nullptr;
  for (const v1::Backup& other : view.backups) {
    if (other.state() != v1::GOOD) continue;
    newest_good = &other;
    if (other.verification_level() == v1::RESTORED) newest_proven = &other;
  }
  if (newest_good != nullptr && newest_good->name() == backup.name()) {
    return Protected(backup, "it is the newest good one of its database", "make a new backup first");
  }
  if (newest_proven != nullptr && newest_proven->name() == backup.name()) {
    return Protected(backup, "it is the newest one that a drill has restored", "drill a newer backup first");
  }
  return absl::OkStatus();
}

}  // namespace

DatabaseBackupsChange ApplyRetention(const DatabaseBackupsView& view, const RetentionOrder& order, absl::Time now,
                                     Random& random) {
  const v1::RetentionPlan plan = PlanDatabaseRetention(view, order.clock_jumped, now);
  std::set<std::string> frozen;
  for (const v1::PolicyRetention& policy : plan.policies()) {
    if (!policy.frozen().empty() && !order.confirmed) frozen.insert(policy.policy());
  }
  DatabaseBackupsChange change;
  // Nobody's word makes an agent able.
  if (!CheckCanDelete(view.agent).ok()) return change;
  if (order.repeat_failed) RepeatDeletions(view, now, random, change);
  if (order.only_repeat) return change;
  std::vector<const v1::RetentionDecision*> goes;
  for (const v1::RetentionDecision& decision : plan.decisions()) {
    if (!decision.keep() && !frozen.contains(decision.backup().policy())) goes.push_back(&decision);
  }
  std::reverse(goes.begin(), goes.end());  // The oldest first.
  for (const v1::RetentionDecision* decision : goes) {
    AddDeleteRun(decision->backup(), order.actor, absl::StrCat("retention: ", absl::StrJoin(decision->reasons(), ", ")),
                 now, random, change);
  }
  return change;
}

absl::StatusOr<DatabaseBackupsChange> DeleteBackup(const DatabaseBackupsView& view, absl::string_view backup,
                                                   absl::string_view reason, absl::string_view actor, absl::Time now,
                                                   Random& random) {
  const auto found = std::find_if(view.backups.begin(), view.backups.end(),
                                  [&](const v1::Backup& b) { return absl::string_view(b.name()) == backup; });
  if (found == view.backups.end()) return BackupNotFound(backup);
  RETURN_IF_ERROR(CheckMayGo(view, *found, now));
  RETURN_IF_ERROR(CheckCanDelete(view.agent));
  std::string why = absl::StrCat("deleted by ", actor);
  if (!reason.empty()) absl::StrAppend(&why, ": ", CleanText(reason, kMaxDeleteReasonBytes));
  DatabaseBackupsChange change;
  AddDeleteRun(*found, actor, why, now, random, change);
  return change;
}

void CompleteDeletion(const RunView& view, absl::Time now, RunChange& change) {
  if (!view.backup.has_value() || view.backup->database() != view.run.database()) return;
  change.run.set_backup(view.backup->name());
  if (change.run.state() != v1::SUCCEEDED || view.backup->state() != v1::DELETING) return;
  v1::Backup deleted = *view.backup;
  deleted.set_state(v1::DELETED);
  *deleted.mutable_delete_time() = change.run.end_time();
  change.events.push_back(MakeEvent(now, AgentOf(view.run), deleted.name(), "BACKUP_DELETED", deleted.delete_reason()));
  change.backups.push_back(std::move(deleted));
}

absl::Status CheckNotDeleted(const v1::Backup& backup) {
  if (backup.state() != v1::DELETING && backup.state() != v1::DELETED) return absl::OkStatus();
  return MakeError(absl::StatusCode::kFailedPrecondition, "BACKUP_DELETED",
                   absl::StrCat(backup.name(), backup.state() == v1::DELETED ? " is deleted" : " is being deleted",
                                backup.delete_reason().empty() ? "" : ": ", backup.delete_reason()),
                   "choose another one: backupctl backup list", {{"backup", backup.name()}});
}

}  // namespace backup::server
