// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "backup/v1/manifest.pb.h"
#include "backup/v1/run.pb.h"
#include "base/cancellation.h"
#include "base/clock.h"

namespace backup::agent {

// The jobs of the pipeline, for the daemon and for the one-shot commands alike. Errors carry the name of a
// FailureCause as their reason (job_failure.h); they hold no secret.

// Where a database is. `url` is a libpq URI or keyword string (PostgreSQL manual, 34.1.1) and may hold a password;
// it never leaves the agent.
struct ConnectionTarget {
  std::string url;
  std::string password_file;  // A file with the password on its first line; "" when the URL has it or none is needed.
};

struct BackupRequest {
  ConnectionTarget target;
  std::string repository;  // Root directory; must carry a marker file.
  std::string agent;       // Agent's id, or "local".
  std::string database;    // Database's id as in the agent's file; names the artifact's directory.
  std::string backup_id;   // base/random.h MakeBackupId.
  // Copied into the manifest; empty for a dump made without a controller.
  std::string run;
  std::string attempt_id;
  int64_t epoch = 0;
  std::string policy;
  std::optional<absl::Time> slot_time;
  v1::DumpSpec dump;          // Zero fields mean the defaults of policy.proto.
  v1::VerifySpec verify;      // minBytes and keyTables are checked before publishing (INCOMPLETE).
  std::string pg_bindir;      // "": the newest installed programs that are not older than the server.
  int compression_level = 0;  // 1 to 3 for gzip; 0 means the default, 1.
};

struct BackupOutcome {
  v1::Manifest manifest;
  std::string manifest_sha256;  // Of manifest.json as stored, lower-case hex.
  std::string path;             // Directory of the artifact.
  absl::Time verify_time;
  absl::Duration verify_duration;
};

// Is told how a job goes. Called from the job's threads, at most some ten times a second; must be quick.
class JobObserver {
 public:
  virtual ~JobObserver() = default;
  virtual void OnProgress(const v1::Progress& progress) = 0;
  // A line for the run's log, clean and without secrets.
  virtual void OnLog(const std::string& line) = 0;
};

// Dumps, compresses, reads back, publishes. When it returns OK, the artifact is durable and was read back; when not,
// nothing of it is left but, if even removing failed, a `.partial-` directory that the next start clears.
// Blocks; stops soon after `cancellation` says so (CANCELLED_BY_USER).
absl::StatusOr<BackupOutcome> RunBackup(const BackupRequest& request, Clock& clock, JobObserver& observer,
                                        Cancellation& cancellation);

struct VerifyRequest {
  std::string artifact_directory;
  std::string manifest_sha256;  // What the catalog knows; "" to trust the file.
  bool drop_page_cache = true;  // Ask the kernel to read from disk.
  // Takes a dump whose stored bytes have the SHA-256 of the manifest for the one that was read back when it was made,
  // and does not decode it again. For who decodes it next anyway.
  bool stored_bytes_only = false;
};

struct VerifyOutcome {
  v1::Manifest manifest;
  std::string manifest_sha256;
  absl::Time verify_time;
  absl::Duration verify_duration;
};

// Reads every byte back and holds it against the manifest. CORRUPT with the file and offset in the message when it
// differs; IO when it cannot be read; NOT_FOUND with reason CORRUPT when a file is gone.
absl::StatusOr<VerifyOutcome> VerifyArtifact(const VerifyRequest& request, Clock& clock, JobObserver& observer,
                                             Cancellation& cancellation);

struct RemoveRequest {
  std::string repository;  // Root directory; must carry a marker file.
  // That the marker must have, or another volume is mounted there, and what is not in it was not removed; "" for any.
  std::string repository_id;
  std::string agent;
  std::string database;
  std::string backup_id;
};

struct RemoveOutcome {
  int file_count = 0;  // None: it was not there any more.
  int64_t size_bytes = 0;
};

// Removes a stored backup for good, durably: in one step it ceases to be one, then its files go. Idempotent: one that
// is not there, or half gone, is no error. UNKNOWN_FILES, with nothing touched, when something lies in its directory
// that is no part of a backup, or in its place; REPOSITORY_UNAVAILABLE; IO. No symlink is followed.
absl::StatusOr<RemoveOutcome> RemoveArtifact(const RemoveRequest& request, JobObserver& observer);

// Where a stored dump goes. One of the two names is given.
struct RestoreRequest {
  std::string artifact_directory;
  std::string manifest_sha256;  // What the catalog knows; "" to trust the file.
  // A database of the server, from which the new one is made.
  ConnectionTarget server;
  // Made for it; has this name only once everything is in it.
  std::string create_database;
  // There already, and empty unless the next is given.
  std::string into_database;
  // Only with into_database: a schema that is made in it for the chosen tables, beside everything that it holds
  // (table_relocation.h). It has this name only once everything is in it.
  std::string into_schema;
  // Load only the rows of these (table_choice.h). The artifact is then not read whole, unless it has no index.
  std::vector<std::string> tables;
  std::vector<std::string> schemas;
  int jobs = 1;  // Sessions at once.
  // Make the roles that the server lacks, from the artifact's globals. Roles that are there are not changed.
  bool create_roles = false;
  // Put everything into the default tablespace.
  bool ignore_tablespaces = false;
  bool prove = false;  // Read the tables again afterwards, and compare their contents.
};

struct RestoreOutcome {
  v1::Manifest manifest;
  std::string database;
  std::string schema;   // As RestoreRequest::into_schema.
  int table_count = 0;  // Whose rows were loaded.
  int64_t row_count = 0;
  int64_t plain_bytes = 0;         // Of those rows in the dump.
  bool contents_compared = false;  // Of all of them: read again, or, of a choice of tables, as they came.
  // What the database was like and the server did not take, and statements that need other tables' rows.
  std::vector<std::string> left_out;
  absl::Duration load_duration;
};

// Reads the artifact back, then loads it (load_database.h). CORRUPT for an artifact that is not what it was: before
// anything is made, or what was made is dropped; NOT_FOUND TABLE_NOT_FOUND; FAILED_PRECONDITION RESTORE_REFUSED for a
// target that is taken, not empty or too old, or that lacks an extension. When it fails, the database it has made is
// dropped.
absl::StatusOr<RestoreOutcome> RunRestore(const RestoreRequest& request, Clock& clock, JobObserver& observer,
                                          Cancellation& cancellation);

struct RestorePlan {
  v1::Manifest manifest;
  int table_count = 0;  // Whose rows would be loaded.
  int64_t row_count = 0;
  int64_t plain_bytes = 0;
  std::vector<std::string> obstacles;  // What stands in the way, with what to do; empty: nothing that can be seen.
};

// Reads the artifact back and looks at the server, as RunRestore would first, and changes nothing
// (restore_obstacles.h).
absl::StatusOr<RestorePlan> PlanRestore(const RestoreRequest& request, Clock& clock, JobObserver& observer,
                                        Cancellation& cancellation);

struct DrillRequest {
  std::string artifact_directory;
  std::string manifest_sha256;  // What the catalog knows; "" to trust the file.
  std::string work_directory;   // Where the throwaway server is made.
  std::string pg_bindir;        // As BackupRequest's; with the server's programs.
  int jobs = 1;
  std::vector<std::string> assertions;  // Queries that give one row with one true when all is well; see
                                        // restore_assertions.h for what they may do.
};

struct DrillOutcome {
  v1::Manifest manifest;
  absl::Duration restore_duration;  // From the first statement to the last index.
  absl::Duration total_duration;
  absl::Time end_time;
  int assertion_count = 0;  // All of them held.
};

// Proves that a stored dump comes back: makes a throwaway server, restores roles and dump, reads every table again, and
// compares rows and content hash with the manifest; then the assertions. CORRUPT naming what differs; ASSERTION_FAILED
// naming what does not hold; DRILL_REFUSED without room, programs or user. Leaves nothing behind.
absl::StatusOr<DrillOutcome> RunDrill(const DrillRequest& request, Clock& clock, JobObserver& observer,
                                      Cancellation& cancellation);

}  // namespace backup::agent
