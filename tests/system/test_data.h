// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tests/testing/mini_postgres.h"

namespace backup::testing {

// A database to back up: plain SQL as psql reads it.
struct TestDatabase {
  // Fit for a database's name: "pagila", or "sample".
  std::string name;
  // Path of the SQL file; empty for the sample database of `backupctl dev up`.
  std::string sql_file;
};

// The sample database, and every `*.sql` file in the folder of real ones, if it is there: $BACKUPCTL_TEST_DATA, else
// shared/data beside the source tree. Sorted by name, the sample first.
std::vector<TestDatabase> TestDatabases();

// Creates `database` and loads `data` into it, with psql.
absl::Status LoadTestDatabase(MiniPostgres& server, const TestDatabase& data, const std::string& database);

// What a person does with no program of ours at hand: creates `database`, then `gunzip -c dump.sql.gz | psql`. Stops on
// the first error.
absl::Status RestoreByHand(MiniPostgres& server, const std::string& artifact, const std::string& database);

// Creates `database` from plain SQL, as RestoreByHand does.
absl::Status RestoreFromSql(MiniPostgres& server, const std::string& sql, const std::string& database);

// The database as pg_dump writes it.
absl::StatusOr<std::string> DumpOf(MiniPostgres& server, const std::string& database);

// `dump` without the lines that differ between any two dumps (\restrict keys).
std::string WithoutKeys(const std::string& dump);

}  // namespace backup::testing
