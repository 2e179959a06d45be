// SPDX-License-Identifier: Apache-2.0
#include "server/store/migrations.h"

#include <memory>
#include <pqxx/pqxx>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "server/store/catalog_url.h"
#include "server/store/connection_pool.h"
#include "server/store/sql_errors.h"
#include "server/store/transaction_executor.h"

namespace backup::server {
namespace {

// Of all programs that migrate one catalog, one works at a time. Any number that nothing else uses.
constexpr int64_t kMigrationLock = 0x6261636b75700001;

absl::Status TooNew(int catalog_version, int program_version) {
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "CATALOG_TOO_NEW",
      absl::StrCat("the catalog has schema version ", catalog_version, ", this program knows versions up to ",
                   program_version),
      "run a newer backup-controller",
      {{"catalog_version", absl::StrCat(catalog_version)}, {"program_version", absl::StrCat(program_version)}});
}

int ReadVersion(pqxx::transaction_base& transaction) {
  const std::string table = absl::StrCat(kCatalogSchema, ".schema_migrations");
  const bool there = !Exec(transaction, "SELECT to_regclass($1)", SqlParams().Text(table))[0][0].is_null();
  return there ? Exec(transaction, "SELECT coalesce(max(version), 0) FROM " + table)[0][0].as<int>() : 0;
}

void MakeSchema(pqxx::transaction_base& transaction) {
  // Not IF NOT EXISTS, which wants the right to make schemas even where one is there.
  if (Exec(transaction, "SELECT to_regnamespace($1)", SqlParams().Text(kCatalogSchema))[0][0].is_null()) {
    Exec(transaction, absl::StrCat("CREATE SCHEMA ", kCatalogSchema));
  }
  Exec(transaction,
       "CREATE TABLE IF NOT EXISTS schema_migrations ("
       "version integer PRIMARY KEY, name text NOT NULL, apply_time timestamptz NOT NULL DEFAULT now())");
}

// Takes the catalog one step further. Returns the version it then has.
absl::StatusOr<int> Step(pqxx::connection& connection, absl::Span<const Migration> migrations) {
  const int last = migrations.empty() ? 0 : migrations.back().version;
  pqxx::work transaction(connection);
  // A step over a large table may take long; waiting for a lock may not.
  Exec(transaction, "SET LOCAL statement_timeout = 0");
  Exec(transaction, "SET LOCAL idle_in_transaction_session_timeout = 0");
  Exec(transaction, "SELECT pg_advisory_xact_lock($1)", SqlParams().Int(kMigrationLock));
  const int version = ReadVersion(transaction);
  if (version > last) return TooNew(version, last);
  for (const Migration& migration : migrations) {
    if (migration.version <= version) continue;
    MakeSchema(transaction);
    transaction.exec(std::string(migration.sql));
    Exec(transaction, "INSERT INTO schema_migrations (version, name) VALUES ($1, $2)",
         SqlParams().Int(migration.version).Text(migration.name));
    transaction.commit();
    LogInfo("migrated the catalog", {{"version", migration.version}, {"name", std::string(migration.name)}});
    return migration.version;
  }
  return version;
}

}  // namespace

int ProgramSchemaVersion() { return AllMigrations().back().version; }

absl::Status ApplyMigrations(const std::string& url) { return ApplyMigrations(url, AllMigrations()); }

absl::Status ApplyMigrations(const std::string& url, absl::Span<const Migration> migrations) {
  ASSIGN_OR_RETURN(const std::string conninfo, CatalogConninfo(url));
  ASSIGN_OR_RETURN(const std::unique_ptr<CatalogConnection> connection, ConnectToCatalog(conninfo));
  const int last = migrations.empty() ? 0 : migrations.back().version;
  try {
    for (int version = -1; version < last;) {
      ASSIGN_OR_RETURN(version, Step(connection->connection, migrations));
    }
    return absl::OkStatus();
  } catch (const std::exception& error) {
    return Annotate(ExplainException(error, connection->connection.is_open()).status, "cannot migrate the catalog");
  }
}

absl::StatusOr<int> SchemaVersion(const std::string& url) {
  ASSIGN_OR_RETURN(const std::string conninfo, CatalogConninfo(url));
  ASSIGN_OR_RETURN(const std::unique_ptr<CatalogConnection> connection, ConnectToCatalog(conninfo));
  try {
    pqxx::read_transaction transaction(connection->connection);
    return ReadVersion(transaction);
  } catch (const std::exception& error) {
    return ExplainException(error, connection->connection.is_open()).status;
  }
}

}  // namespace backup::server
