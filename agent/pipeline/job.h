// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "backup/v1/manifest.pb.h"
#include "backup/v1/run.pb.h"
#include "base/cancellation.h"
#include "base/clock.h"

namespace backup::agent {

// The two jobs of the pipeline, for the daemon and for the one-shot commands alike. Errors carry the name of a
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

}  // namespace backup::agent
