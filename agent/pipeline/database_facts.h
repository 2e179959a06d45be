// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/pipeline/database_probe.h"
#include "agent/pipeline/pg_session.h"

namespace backup::agent {

// The questions that a look at a database asks. All names in SQL are qualified, and the search path is emptied first,
// so that nothing a user put into `public` runs with the backup role's rights (CVE-2018-1058).

// Sets the session up: empty search path, names in the database's own encoding, `statement_timeout` on the server's
// side too.
absl::Status PrepareSession(PgSession& session, absl::Duration statement_timeout);

// What ProbeDatabase tells, in a prepared session.
absl::StatusOr<DatabaseFacts> ReadDatabaseFacts(PgSession& session, absl::Duration statement_timeout);

// Asks for the tables that pg_dump locks, one row with the quoted and qualified name of each: those whose rows it
// stores, and partitioned ones.
std::string LockableTablesQuery();

// A table whose rows pg_dump stores. Raw bytes in the database's encoding, as the dump spells them.
struct ExpectedTable {
  std::string schema;
  std::string name;
  // The partitioned table at the top, when it is a partition; else "".
  std::string root_schema;
  std::string root_name;
  // What its rows come to, about, from the size of the table on disk; 0 unless asked for.
  int64_t bytes = 0;
};

// By the rules of pg_dump: ordinary tables, no temporary ones, none of the system's and none that belong to an
// extension. With `with_sizes`, which waits behind an exclusive lock of another session on a table.
absl::StatusOr<std::vector<ExpectedTable>> ReadExpectedTables(PgSession& session, bool with_sizes,
                                                              absl::Duration statement_timeout);

}  // namespace backup::agent
