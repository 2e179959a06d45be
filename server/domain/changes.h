// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "backup/v1/agent.pb.h"
#include "backup/v1/backup.pb.h"
#include "backup/v1/event.pb.h"
#include "backup/v1/policy.pb.h"
#include "backup/v1/run.pb.h"

namespace backup::server {

// What rules decide from and what they decide: views are read and changes written by the catalog in one transaction.
// Decisions are pure and may be called more than once.

// What a change of a policy is decided from.
struct PolicyView {
  std::optional<v1::Policy> policy;     // As stored; nothing when there is none.
  std::vector<v1::Database> databases;  // Every database of every agent: name, display_name, labels.
  std::vector<v1::Run> scheduled_runs;  // Runs of this policy in state SCHEDULED.
};
// What is to be done about it, all or nothing.
struct PolicyChange {
  bool delete_policy = false;
  std::optional<v1::Policy> put_policy;  // Inserted or replaced. Nothing: stays.
  std::vector<v1::Run> create_runs;      // A row whose (policy, database, kind, slot) is there already is passed over.
  std::vector<std::string> withdraw_runs;  // Names; only those still SCHEDULED are removed.
  std::vector<v1::Run> update_runs;        // spec, times and epoch of rows still SCHEDULED.
  std::vector<v1::Event> events;
};
using PolicyDecision = std::function<absl::StatusOr<PolicyChange>(const PolicyView&)>;

// What a change of a run is decided from.
struct RunView {
  v1::Run run;
  std::optional<v1::Policy> policy;    // Its policy, when that still exists; without next_slot_time and database_count.
  std::optional<v1::Run> overlapping;  // Another BACKUP of the same policy and database that is RUNNING.
  std::optional<v1::Backup> last_good;  // Newest GOOD backup of the same database, by sequence; with manifest.
  std::optional<v1::Backup> backup;     // The backup named by run.backup or run.spec.backup_id, with manifest.
};
// What is to be done about it, all or nothing.
struct RunChange {
  v1::Run run;                      // As it is to be stored.
  std::vector<v1::Backup> backups;  // Inserted, or replaced by name.
  std::vector<v1::Event> events;
};
using RunDecision = std::function<absl::StatusOr<RunChange>(const RunView&)>;

// What retention of a database is decided from.
struct DatabaseBackupsView {
  v1::Database database;
  std::optional<v1::Agent> agent;
  std::vector<v1::Backup> backups;  // All but DELETED ones, by rising sequence; without manifests.
  // VERIFY, RESTORE, DRILL and DELETE runs of the database that are PENDING or RUNNING.
  std::vector<v1::Run> open_runs;
  std::map<std::string, v1::Policy> policies;  // Those that made some of the backups, by name, as far as they exist.
  // By policy: its newest BACKUP run of this database that SUCCEEDED, FAILED, was LOST or MISSED.
  std::map<std::string, v1::Run> last_runs;
};
// What is to be done about it, all or nothing.
struct DatabaseBackupsChange {
  std::vector<v1::Backup> backups;   // Replaced by name; manifest and hold stay.
  std::vector<v1::Run> create_runs;  // Asked for outside of any schedule.
  std::vector<v1::Event> events;
};
using DatabaseBackupsDecision = std::function<absl::StatusOr<DatabaseBackupsChange>(const DatabaseBackupsView&)>;

}  // namespace backup::server
