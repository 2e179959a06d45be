// SPDX-License-Identifier: Apache-2.0
#include "tests/system/test_data.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "ctl/dev_sample_database.h"
#include "tests/system/program.h"

namespace backup::testing {
namespace {

std::filesystem::path DataFolder() {
  if (const char* folder = std::getenv("BACKUPCTL_TEST_DATA"); folder != nullptr) return folder;
  const char* source = std::getenv("BACKUPCTL_SOURCE_DIR");
  return source == nullptr ? std::filesystem::path() : std::filesystem::path(source).parent_path() / "shared" / "data";
}

absl::Status Psql(MiniPostgres& server, const std::string& database, std::string sql) {
  const CommandResult result = RunCommand(
      {server.bindir() + "/psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null", "-d", server.Url(database)},
      {.input = std::move(sql), .timeout = absl::Minutes(5)});
  if (result.exit_code == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("psql exited with ", result.exit_code, ": ", result.err));
}

std::string QuotedIdentifier(const std::string& name) {
  std::string quoted = "\"";
  for (const char c : name) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + "\"";
}

}  // namespace

std::vector<TestDatabase> TestDatabases() {
  std::vector<TestDatabase> databases;
  std::error_code error;
  for (const auto& file : std::filesystem::directory_iterator(DataFolder(), error)) {
    if (file.path().extension() == ".sql") databases.push_back({file.path().stem().string(), file.path().string()});
  }
  std::sort(databases.begin(), databases.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  databases.insert(databases.begin(), TestDatabase{"sample", ""});
  return databases;
}

absl::Status LoadTestDatabase(MiniPostgres& server, const TestDatabase& data, const std::string& database) {
  RETURN_IF_ERROR(server.Execute("CREATE DATABASE " + QuotedIdentifier(database)));
  if (data.sql_file.empty()) return Psql(server, database, std::string(ctl::SampleDatabaseSql()));
  ASSIGN_OR_RETURN(std::string sql, ReadFile(data.sql_file, 256 << 20));
  return Psql(server, database, std::move(sql));
}

absl::Status RestoreFromSql(MiniPostgres& server, const std::string& sql, const std::string& database) {
  RETURN_IF_ERROR(server.Execute("CREATE DATABASE " + QuotedIdentifier(database) + " TEMPLATE template0"));
  return Psql(server, database, sql);
}

absl::Status RestoreByHand(MiniPostgres& server, const std::string& artifact, const std::string& database) {
  const CommandResult gunzip =
      RunCommand({"/bin/gunzip", "-c", artifact + "/dump.sql.gz"}, {.timeout = absl::Minutes(5)});
  if (gunzip.exit_code != 0) return absl::DataLossError("gunzip: " + gunzip.err);
  return RestoreFromSql(server, gunzip.out, database);
}

absl::StatusOr<std::string> DumpOf(MiniPostgres& server, const std::string& database) {
  const CommandResult dump =
      RunCommand({server.bindir() + "/pg_dump", "-d", server.Url(database)}, {.timeout = absl::Minutes(5)});
  if (dump.exit_code != 0) return absl::InternalError("pg_dump: " + dump.err);
  return dump.out;
}

std::string WithoutKeys(const std::string& dump) {
  std::string comparable;
  for (const absl::string_view line : absl::StrSplit(dump, '\n')) {
    if (absl::StartsWith(line, "\\restrict ") || absl::StartsWith(line, "\\unrestrict ")) continue;
    absl::StrAppend(&comparable, line, "\n");
  }
  return comparable;
}

}  // namespace backup::testing
