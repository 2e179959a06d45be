// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "backup/v1/agent.pb.h"
#include "backup/v1/backup.pb.h"
#include "backup/v1/backup_service.pb.h"
#include "backup/v1/event.pb.h"
#include "backup/v1/fleet_service.pb.h"
#include "backup/v1/policy.pb.h"
#include "backup/v1/run.pb.h"
#include "backup/v1/run_service.pb.h"
#include "server/domain/changes.h"
#include "server/domain/report_facts.h"
#include "server/domain/retention.h"

namespace backup::server {

// Which page of a list. Order and place are in the token, so pages hold still while rows are added (keyset).
struct PageRequest {
  int size = 100;  // 1 to 1000.
  std::string
      token;  // From the page before; "" for the first. INVALID_ARGUMENT PAGE_TOKEN_INVALID when it is none of ours.
  bool oldest_first = false;  // Of ListRuns: the other way round.
};
template <typename T>
struct Page {
  std::vector<T> items;
  std::string next_token;  // "" when this was the last.
};

// Databases, and agents, of a FleetStatus at most (fleet_service.proto).
inline constexpr int kMaxStatusRows = 500;

// What ReadFleetPart gives of one page of databases.
struct FleetPart {
  v1::FleetStatus status;  // databases, and the agents that own them.
  std::string next_token;  // "" when this was the last.
};

// What an agent said of itself in one Sync.
struct AgentReport {
  v1::Agent agent;  // name, version, capabilities, labels, hostname, boot_id, clock_skew, repository, last_seen_time,
                    // slot_count, active_run_count.
  int64_t sequence = 0;                 // Of this boot.
  std::vector<v1::Database> databases;  // All it has; those not among them are marked as gone and no longer listed.
};

// What became of an AgentReport.
struct RecordedReport {
  bool recorded = false;           // False: a later one of the same boot was there already, and nothing was changed.
  bool databases_changed = false;  // The set of databases or their labels did, so that policies want replanning.
};

// What one step of compaction did.
struct Compaction {
  int64_t removed_count = 0;
  std::string next;  // Where the next step begins; "" when it was the last one.
};

// Runs of one kind that were removed from the history, by the month of their slots in UTC.
struct RunCount {
  absl::Time month;  // When it begins.
  std::string policy;
  v1::RunKind kind = v1::RUN_KIND_UNSPECIFIED;
  v1::RunState state = v1::RUN_STATE_UNSPECIFIED;
  bool manual = false;
  int64_t count = 0;
};

// The backups of one database that were made under one policy ("" for none).
struct RetentionView {
  std::string database;
  std::string policy;
  RetentionState state;
};

// The catalog. An interface of verbs, each all-or-nothing: fully committed when it returns OK, without effect when not.
// Decisions are pure functions that may be called more than once (a transaction may be tried again).
//
// Thread-safe. Every verb may give UNAVAILABLE CATALOG_UNAVAILABLE, and then may be tried again; it may have been done
// when the catalog died just as it committed. Text that is not UTF-8, NULs and times beyond the year 9999 are
// INVALID_ARGUMENT VALUE_INVALID; times that lists use are kept to the microsecond. Names are resource names; a name of
// the wrong form is simply not found.
class Store {
 public:
  virtual ~Store() = default;

  // --- policies ---
  // NOT_FOUND POLICY_NOT_FOUND. Output-only fields are filled in.
  virtual absl::StatusOr<v1::Policy> GetPolicy(absl::string_view name) = 0;
  // By id.
  virtual absl::StatusOr<Page<v1::Policy>> ListPolicies(const PageRequest& page) = 0;
  // Every policy, by id, without next_slot_time and database_count, which take long to find out. People write policies,
  // so there are few.
  virtual absl::StatusOr<std::vector<v1::Policy>> ReadPolicies() = 0;
  // Reads, decides, writes; nobody else changes this policy or its runs meanwhile. A decision's error is returned as it
  // is. The stored policy gets a new etag and update_time (`now`) when put; returns it as GetPolicy would (a
  // default Policy when deleted or never there).
  virtual absl::StatusOr<v1::Policy> ChangePolicy(absl::string_view name, absl::Time now,
                                                  const PolicyDecision& decide) = 0;
  // The same for a part of the fleet, so that nobody waits for a large one: the view holds the first `limit` databases
  // after the name `after`, and runs of databases from there up to the last of these; of any beyond when it is the last
  // part. Its policy is as ReadPolicies gives it. Returns where the next part begins, "" when this was the last one.
  virtual absl::StatusOr<std::string> ChangePolicyPart(absl::string_view name, absl::Time now, absl::string_view after,
                                                       int limit, const PolicyDecision& decide) = 0;

  // --- runs ---
  // RUN_NOT_FOUND.
  virtual absl::StatusOr<v1::Run> GetRun(absl::string_view name) = 0;
  // The latest slot first, runs of one slot by sequence, the last one first; so what is to come before what was. As
  // fast for any filter and page.
  virtual absl::StatusOr<Page<v1::Run>> ListRuns(const v1::RunFilter& filter, const PageRequest& page) = 0;
  // Inserts a run asked for by hand, with its events. With a `request_id` seen within the last day: returns that run
  // and inserts nothing. DATABASE_NOT_FOUND, BACKUP_NOT_FOUND when what it names is not there; BACKUP_DELETED when it
  // is on its way out.
  virtual absl::StatusOr<v1::Run> CreateRun(const v1::Run& run, absl::string_view request_id, absl::Time now,
                                            absl::Span<const v1::Event> events) = 0;
  // Reads, decides, writes; nobody else changes this run meanwhile. RUN_NOT_FOUND. A decision's error is returned as
  // is.
  virtual absl::StatusOr<v1::Run> ChangeRun(absl::string_view name, const RunDecision& decide) = 0;
  // Names of at most `limit` runs that time may have changed: SCHEDULED with not_before <= now; PENDING with
  // start_deadline <= now; RUNNING with lease_end <= now; PENDING ones that nobody asked for by hand of a paused
  // policy, or that no agent holds while a later slot of the same policy, database and kind is PENDING too. Oldest slot
  // first.
  virtual absl::StatusOr<std::vector<std::string>> ListRunsToAdvance(absl::Time now, int limit) = 0;
  // The earliest time after `now` at which ListRunsToAdvance would name something new; InfiniteFuture when never.
  virtual absl::StatusOr<absl::Time> NextAdvanceTime(absl::Time now) = 0;
  // Every run of the agent in state SCHEDULED, PENDING or RUNNING with not_before <= horizon; by not_before; at most
  // 1000.
  virtual absl::StatusOr<std::vector<v1::Run>> ListOpenRuns(absl::string_view agent, absl::Time horizon) = 0;
  // Names of runs that went to the agent and of which no attempt is known though their start deadline is not later than
  // `now`: LOST ones, and those still PENDING. Oldest slot first, at most 100.
  virtual absl::StatusOr<std::vector<std::string>> ListUnstartedRuns(absl::string_view agent, absl::Time now) = 0;
  // Of those that wait for an agent which was seen at `seen_since` or later, at most `limit` of each policy: neither
  // the many of one policy nor those of agents that are away stand before the others. When none waits, nothing is
  // counted.
  virtual absl::StatusOr<Places> ReadPlaces(absl::Time seen_since, int limit) = 0;
  // Sets `delivered` on those of the runs that are SCHEDULED or PENDING with this epoch.
  virtual absl::Status MarkDelivered(absl::Span<const v1::Run> runs) = 0;
  // Appends lines whose offset is the next expected or beyond; passes over those already there. Returns the next
  // expected offset. RUN_NOT_FOUND.
  virtual absl::StatusOr<int64_t> AppendRunLog(absl::string_view run, absl::Span<const v1::RunLogLine> lines) = 0;
  // At most `limit` lines from `offset` on, in order. RUN_NOT_FOUND.
  virtual absl::StatusOr<std::vector<v1::RunLogLine>> ListRunLog(absl::string_view run, int64_t offset, int limit) = 0;

  // --- history ---
  // Removes runs that ended and were due before `before`, with their logs, and adds each to the counts that
  // ListRunCounts gives, in one step. Those stay that tell of a backup which still exists, and the last one of each
  // policy, database and kind. Looks at `limit` runs of one kind and state, from `from` on ("" to begin with), and
  // locks nothing else.
  virtual absl::StatusOr<Compaction> CompactRuns(absl::Time before, const std::string& from, int limit) = 0;
  // The same for events before that time; of these nothing is counted.
  virtual absl::StatusOr<Compaction> CompactEvents(absl::Time before, const std::string& from, int limit) = 0;
  // How many runs of the database CompactRuns has removed, of months that begin at `since` or later and before `until`.
  // Whoever counts runs over such a time adds them to those that are still there: each run is in one of the two. By
  // month, policy, kind, state.
  virtual absl::StatusOr<std::vector<RunCount>> ListRunCounts(absl::string_view database, absl::Time since,
                                                              absl::Time until) = 0;

  // --- backups ---
  // BACKUP_NOT_FOUND. With manifest.
  virtual absl::StatusOr<v1::Backup> GetBackup(absl::string_view name) = 0;
  // Sets the hold of a backup, or takes it away; with the events. Nothing else changes a hold: what runs report of the
  // backup leaves it as it is. The backup without its manifest. BACKUP_NOT_FOUND; BACKUP_DELETED for a hold of one that
  // is DELETING or DELETED.
  virtual absl::StatusOr<v1::Backup> SetBackupHold(absl::string_view name, const std::optional<v1::BackupHold>& hold,
                                                   absl::Span<const v1::Event> events) = 0;
  // Newest first, by sequence; without manifests. DELETED ones only when the filter names that state. As fast for any
  // filter and page.
  virtual absl::StatusOr<Page<v1::Backup>> ListBackups(const v1::BackupFilter& filter, const PageRequest& page) = 0;

  // What retention of a database is decided from at `now`. DATABASE_NOT_FOUND.
  virtual absl::StatusOr<DatabaseBackupsView> ReadDatabaseBackups(absl::string_view database, absl::Time now) = 0;
  // Reads, decides, writes; meanwhile nobody else changes one of the backups, or asks for a run that reads one. Gives
  // what was decided. A decision's error is returned as it is.
  virtual absl::StatusOr<DatabaseBackupsChange> ChangeDatabaseBackups(absl::string_view database, absl::Time now,
                                                                      const DatabaseBackupsDecision& decide) = 0;
  // What retention has to know of all backups that exist and are not on their way out, at `now`, a page of databases at
  // a time, by name: one entry for each policy under which backups of the database were made, those of none included. A
  // page of N holds the entries of N databases.
  virtual absl::StatusOr<Page<RetentionView>> ListRetentionViews(absl::Time now, const PageRequest& page) = 0;
  // --- the past, for reports ---
  // BACKUP runs of the database that a schedule made, with a slot in [since, until), also those still to come: counted
  // by policy, state and what they brought; in that order. Nothing for a database that is not known.
  virtual absl::StatusOr<std::vector<SlotCount>> CountSlots(absl::string_view database, absl::Time since,
                                                            absl::Time until) = 0;
  // Backups of the database with a snapshot in [since, until), whatever became of them, by snapshot time.
  virtual absl::StatusOr<Page<PastBackup>> ListPastBackups(absl::string_view database, absl::Time since,
                                                           absl::Time until, const PageRequest& page) = 0;
  // The snapshot time of the last backup before `before` that is or was good (see IsOrWasGood); InfinitePast for none.
  virtual absl::StatusOr<absl::Time> LastGoodBefore(absl::string_view database, absl::Time before) = 0;
  // DRILL runs of the database with a slot in [since, until) and a state other than SCHEDULED; the newest `limit`, the
  // newest slot first.
  virtual absl::StatusOr<std::vector<v1::Run>> ListPastDrills(absl::string_view database, absl::Time since,
                                                              absl::Time until, int limit) = 0;

  // --- agents and databases ---
  // AGENT_NOT_FOUND. `state` is left UNSPECIFIED: judging it is not the catalog's affair.
  virtual absl::StatusOr<v1::Agent> GetAgent(absl::string_view name) = 0;
  virtual absl::StatusOr<Page<v1::Agent>> ListAgents(const PageRequest& page) = 0;  // By id.
  // DATABASE_NOT_FOUND. last_good_*, next_slot_time are filled in; `policies` is not.
  virtual absl::StatusOr<v1::Database> GetDatabase(absl::string_view name) = 0;
  // `agent`: a name, or "" for all. By name.
  virtual absl::StatusOr<Page<v1::Database>> ListDatabases(absl::string_view agent, const PageRequest& page) = 0;
  // Records it, unless a later sequence of the same boot was recorded. AGENT_NOT_FOUND when it is not enrolled.
  virtual absl::StatusOr<RecordedReport> RecordAgentReport(const AgentReport& report) = 0;
  // Stores the hash of a one-time token: 64 lower-case hex digits.
  virtual absl::Status PutEnrollmentToken(absl::string_view token_sha256, absl::string_view agent,
                                          absl::Time expire_time, absl::Span<const v1::Event> events) = 0;
  // The agent whose unused, unexpired token this is, without using it up; UNAUTHENTICATED ENROLLMENT_TOKEN_INVALID.
  virtual absl::StatusOr<std::string> FindEnrollmentToken(absl::string_view token_sha256, absl::Time now) = 0;
  // Uses the token up and puts `agent` (name, enroll_time, certificate_expire_time) in, in one step: of many at once,
  // one wins. ENROLLMENT_TOKEN_INVALID for the others.
  virtual absl::Status UseEnrollmentToken(absl::string_view token_sha256, absl::Time now, const v1::Agent& agent,
                                          absl::Span<const v1::Event> events) = 0;

  // --- the whole ---
  // Fills databases (health, reason and retention_frozen left open; last_good without manifest, last_run without spec),
  // agents, active_runs, counts; not those of health and state. Databases: those of `worst`, names, then by name until
  // there are kMaxStatusRows; all in the order of names.
  virtual absl::StatusOr<v1::FleetStatus> ReadFleetStatus(absl::Time now, absl::Span<const std::string> worst) = 0;
  // A page of databases by name, as ReadFleetStatus tells them.
  virtual absl::StatusOr<FleetPart> ReadFleetPart(absl::Time now, const PageRequest& page) = 0;
  virtual absl::StatusOr<Page<v1::Event>> ListEvents(absl::string_view subject,
                                                     const PageRequest& page) = 0;  // Newest first.
  virtual absl::Status AppendEvents(absl::Span<const v1::Event> events) = 0;
  // OK when the catalog answers.
  virtual absl::Status Ping() = 0;
};

}  // namespace backup::server
