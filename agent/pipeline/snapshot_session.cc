// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/snapshot_session.h"

#include "agent/pipeline/job_failure.h"
#include "base/status_macros.h"

namespace backup::agent {

absl::StatusOr<SnapshotSession> SnapshotSession::Open(const Conninfo& conninfo, const ProbeOptions& options,
                                                      Cancellation* cancellation) {
  SnapshotSession opened;
  ASSIGN_OR_RETURN(opened.session_, PgSession::Connect(conninfo, options.connect_timeout, cancellation));
  PgSession& session = *opened.session_;
  RETURN_IF_ERROR(PrepareSession(session, options.statement_timeout));
  RETURN_IF_ERROR(
      session.Query("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY", options.statement_timeout)
          .status());
  ASSIGN_OR_RETURN(opened.facts_, ReadDatabaseFacts(session, options.statement_timeout));
  ASSIGN_OR_RETURN(opened.expected_tables_, ReadExpectedTables(session, options.statement_timeout));
  ASSIGN_OR_RETURN(PgRows rows, session.Query("SELECT pg_catalog.pg_export_snapshot()", options.statement_timeout));
  if (rows.size() != 1 || rows[0].size() != 1 || !rows[0][0].has_value()) {
    return JobError(v1::INTERNAL, "the server exported no snapshot");
  }
  opened.snapshot_ = *rows[0][0];
  return opened;
}

}  // namespace backup::agent
