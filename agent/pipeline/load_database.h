// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "agent/pipeline/conninfo.h"
#include "agent/pipeline/pg_session.h"
#include "agent/pipeline/progress_meter.h"
#include "agent/pipeline/stored_text.h"
#include "agent/pipeline/table_choice.h"
#include "backup/v1/manifest.pb.h"
#include "base/cancellation.h"

namespace backup::agent {

struct LoadOptions {
  int jobs = 1;  // Sessions that load rows and build indexes side by side.
  // Everything goes into the default tablespace.
  bool ignore_tablespaces = false;
  // Whose rows are loaded and compared. Unless it is everything, their content hashes are checked on the way (CORRUPT),
  // so that what is loaded is proven without a reading of the whole file.
  TableChoice choice;
  // Unquoted; given: a schema that is there and empty. The chosen tables with their rows, indexes and constraints go
  // into it, and nothing else of the dump is made (table_relocation.h).
  std::string into_schema;
  // Of the backup, that the server does not have (UTF-8); for the error of a statement that needs one.
  std::set<std::string> missing_roles;
  // Longest wait for the server to take or give rows.
  absl::Duration stall_timeout = absl::Minutes(10);
};

struct LoadedDatabase {
  std::vector<std::string> copies;    // The COPY ... FROM stdin of all tables, in the manifest's order.
  std::vector<std::string> left_out;  // Statements of chosen tables that reach beyond what is loaded.
};

// Runs a stored dump in the database of `conninfo`, which should be empty unless there is a schema for it: what comes
// before the data in one session and in its order; then the rows of all tables, the longest first, by several sessions,
// and indexes and constraints of a table once its rows are there; everything else in its place. psql is not involved,
// so nothing in the dump can make it run a program. Stops at the first error; the database is then of no use. Every
// table must get as many rows as the manifest says (CORRUPT otherwise).
absl::StatusOr<LoadedDatabase> LoadDatabase(const v1::Manifest& manifest, const StoredText& text,
                                            const Conninfo& conninfo, const LoadOptions& options,
                                            Cancellation& cancellation, ProgressMeter& progress);

// Lifts the limits on time that the server, the database or the role may set for every session.
absl::Status LiftTimeouts(PgSession& session);

// Logs in with the settings that a restore wants, without limits on time.
absl::StatusOr<std::unique_ptr<PgSession>> ConnectForRestore(const Conninfo& conninfo, Cancellation& cancellation);

// Reads every chosen table of `manifest` in the database and compares rows and content hash. `copies` has the COPY ...
// FROM stdin of each. CORRUPT naming the table that differs.
absl::Status CompareTables(const v1::Manifest& manifest, const std::vector<std::string>& copies,
                           const Conninfo& conninfo, const LoadOptions& options, Cancellation& cancellation,
                           ProgressMeter& progress);

}  // namespace backup::agent
