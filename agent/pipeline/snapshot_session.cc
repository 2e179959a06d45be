// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/snapshot_session.h"

#include "absl/strings/numbers.h"
#include "agent/pipeline/database_probe.h"
#include "agent/pipeline/database_properties.h"
#include "agent/pipeline/job_failure.h"
#include "base/errors.h"
#include "base/status_macros.h"

namespace backup::agent {
namespace {

absl::StatusOr<int64_t> ReadLockTableSize(PgSession& session, absl::Duration timeout) {
  ASSIGN_OR_RETURN(const PgRows rows,
                   session.Query("SELECT pg_catalog.current_setting('max_locks_per_transaction')::bigint * "
                                 "(pg_catalog.current_setting('max_connections')::bigint + "
                                 "pg_catalog.current_setting('max_prepared_transactions')::bigint)",
                                 timeout));
  int64_t size = 0;
  if (rows.size() != 1 || rows[0].size() != 1 || !absl::SimpleAtoi(rows[0][0].value_or(""), &size)) {
    return JobError(v1::INTERNAL, "the server does not say how large its lock table is");
  }
  return size;
}

}  // namespace

absl::StatusOr<SnapshotSession> SnapshotSession::Open(const Conninfo& conninfo, const LockOptions& options,
                                                      bool with_sizes, Cancellation* cancellation) {
  SnapshotSession opened;
  ASSIGN_OR_RETURN(opened.session_, PgSession::Connect(conninfo, ProbeOptions().connect_timeout, cancellation));
  PgSession& session = *opened.session_;
  RETURN_IF_ERROR(PrepareSession(session, options.statement_timeout));
  RETURN_IF_ERROR(BeginWithLocks(session, options));
  ASSIGN_OR_RETURN(opened.facts_, ReadDatabaseFacts(session, options.statement_timeout));
  ASSIGN_OR_RETURN(opened.expected_tables_, ReadExpectedTables(session, with_sizes, options.statement_timeout));
  ASSIGN_OR_RETURN(opened.lock_table_size_, ReadLockTableSize(session, options.statement_timeout));
  opened.properties_ = ReadDatabaseProperties(session, options.statement_timeout);
  // A dump can do without what the server does not want to tell; not without its session.
  if (const std::string reason = ErrorReason(opened.properties_.status());
      !opened.properties_.ok() && reason != v1::FailureCause_Name(v1::DUMP_FAILED) &&
      reason != v1::FailureCause_Name(v1::PERMISSION)) {
    return opened.properties_.status();
  }
  ASSIGN_OR_RETURN(PgRows rows, session.Query("SELECT pg_catalog.pg_export_snapshot()", options.statement_timeout));
  if (rows.size() != 1 || rows[0].size() != 1 || !rows[0][0].has_value()) {
    return JobError(v1::INTERNAL, "the server exported no snapshot");
  }
  opened.snapshot_ = *rows[0][0];
  return opened;
}

}  // namespace backup::agent
