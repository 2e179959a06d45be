// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "backup/v1/agent.pb.h"
#include "backup/v1/backup.pb.h"
#include "backup/v1/event.pb.h"
#include "backup/v1/policy.pb.h"
#include "backup/v1/run.pb.h"

namespace backup::server {

// What rules decide from and what they decide: views are read and changes written by the catalog in one transaction.
// Decisions are pure and may be called more than once.

// How far ahead rows of runs exist. An hour more than the agents hold, so that a replan is never late for them.
inline constexpr absl::Duration kPlanningHorizon = absl::Hours(25);

// Slots of the runs that a policy's schedule made for one database and kind, in whatever state they are.
struct KnownSlots {
  absl::Time last = absl::InfinitePast();      // The last of all.
  absl::Time last_due = absl::InfinitePast();  // The last one that is not in the future.
};

// What a change of a policy is decided from. `now` is the time that the change is made at.
struct PolicyView {
  std::optional<v1::Policy> policy;  // As stored; nothing when there is none.
  // Every database of every agent, or those of a part of the fleet: name, display_name, labels. What follows is of
  // these.
  std::vector<v1::Database> databases;
  bool last_part = true;                // No database is beyond this part.
  std::vector<v1::Run> scheduled_runs;  // Runs of this policy in state SCHEDULED.
  // When this policy was last planned to the end; InfinitePast when never, or not known.
  absl::Time planned_time = absl::InfinitePast();
  // By kind and database. Only when the last plan cannot have reached until now: planned_time is more than the horizon
  // ago, or in the future.
  std::map<std::pair<v1::RunKind, std::string>, KnownSlots> known_slots;
  // Runs of this policy's schedule with a slot in the future, up to the horizon, that are MISSED or SKIPPED, or LOST
  // without any attempt: the work of a clock that was wrong. Soonest first, the first 5000.
  std::vector<v1::Run> ended_ahead;
};
// What is to be done about it, all or nothing.
struct PolicyChange {
  bool delete_policy = false;            // Removed, with its SCHEDULED runs of all databases.
  std::optional<v1::Policy> put_policy;  // Inserted or replaced. Nothing: stays.
  std::vector<v1::Run> create_runs;      // A row whose (policy, database, kind, slot) is there already is passed over.
  std::vector<std::string> withdraw_runs;  // Names; only those still SCHEDULED are removed.
  std::vector<v1::Run> update_runs;        // spec, times, epoch, delivered and held_back of rows still SCHEDULED.
  std::vector<v1::Run> reopen_runs;        // As they are to be stored, of those in the view's ended_ahead.
  // The plan of all that the view shows is complete. Of the whole fleet: planned_time becomes the time of the change.
  bool planned = false;
  // Becomes the policy's planned_time: for whoever plans part by part, when the first one was begun.
  std::optional<absl::Time> planned_time;
  std::vector<v1::Event> events;
};
using PolicyDecision = std::function<absl::StatusOr<PolicyChange>(const PolicyView&)>;

// What a change of a run is decided from.
struct RunView {
  v1::Run run;
  std::optional<v1::Policy> policy;    // Its policy, when that still exists; without next_slot_time and database_count.
  std::optional<v1::Run> overlapping;  // Another BACKUP of the same policy and database that is RUNNING.
  // Of a run by schedule that is SCHEDULED or PENDING: the next later slot of the same policy, database and kind that
  // is neither MISSED, SKIPPED nor CANCELLED.
  std::optional<v1::Run> later;
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
  // Of them, those whose newest BACKUP run of this database that SUCCEEDED, FAILED, was LOST or MISSED did not succeed.
  // Slots of the future do not count: only a wrong clock can have ended them.
  std::set<std::string> failing_policies;
};
// What is to be done about it, all or nothing.
struct DatabaseBackupsChange {
  std::vector<v1::Backup> backups;   // Replaced by name; manifest and hold stay.
  std::vector<v1::Run> create_runs;  // Asked for outside of any schedule.
  std::vector<v1::Event> events;
};
using DatabaseBackupsDecision = std::function<absl::StatusOr<DatabaseBackupsChange>(const DatabaseBackupsView&)>;

// Who works, and who waits for a place among those that may work at once.
struct Places {
  std::vector<v1::Run> waiting;  // PENDING and held back; oldest slot first. Perhaps not all.
  // Runs that are RUNNING, or PENDING and not held back; deletions take no place.
  int64_t taken = 0;
  std::map<std::string, int64_t> by_policy;  // Of those, by policy; "" for none.
};

}  // namespace backup::server
