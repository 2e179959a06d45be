// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "backup/v1/run.pb.h"
#include "base/random.h"
#include "server/domain/changes.h"

namespace backup::server {

// How backups are deleted: in the catalog first, where one that is DELETING counts for nothing any more; then a DELETE
// run lets the agent remove its files; then the row is DELETED, and stays as history. Pure.

struct RetentionOrder {
  std::string actor;          // Whose wish it is: "controller" or `users/{user}`.
  bool confirmed = false;     // Somebody looked at what stands against it, and wants it nevertheless.
  bool clock_jumped = false;  // As for PlanDatabaseRetention.
  // Try again what is DELETING and whose run ended without success.
  bool repeat_failed = false;
  bool only_repeat = false;  // Nothing else.
};

// Begins to delete what PlanDatabaseRetention lets go: of each policy whose retention is not frozen, of all when it is
// confirmed. Nothing of an agent that cannot delete.
DatabaseBackupsChange ApplyRetention(const DatabaseBackupsView& view, const RetentionOrder& order, absl::Time now,
                                     Random& random);

// Begins to delete one backup, by hand. NOT_FOUND BACKUP_NOT_FOUND. FAILED_PRECONDITION: BACKUP_PROTECTED for the
// newest good one of its database, the newest that is proven, one that is held or in use; BACKUP_DELETED when that was
// begun; AGENT_CANNOT_DELETE.
absl::StatusOr<DatabaseBackupsChange> DeleteBackup(const DatabaseBackupsView& view, absl::string_view backup,
                                                   absl::string_view reason, absl::string_view actor, absl::Time now,
                                                   Random& random);

// What the end of a DELETE run, as `change.run` has it, means for its backup: DELETED when it succeeded.
void CompleteDeletion(const RunView& view, absl::Time now, RunChange& change);

// A backup that is DELETING or DELETED: FAILED_PRECONDITION BACKUP_DELETED.
absl::Status CheckNotDeleted(const v1::Backup& backup);

}  // namespace backup::server
