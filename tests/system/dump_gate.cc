// SPDX-License-Identifier: Apache-2.0
#include "tests/system/dump_gate.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace backup::testing {
namespace {

// A session with a transaction that holds `lock`; null when it could not be had.
PGconn* Hold(const std::string& url, const std::string& lock) {
  PGconn* session = PQconnectdb(url.c_str());
  const std::string sql = absl::StrCat("BEGIN; ", lock);
  PGresult* result = PQexec(session, sql.c_str());
  const bool held = PQresultStatus(result) == PGRES_COMMAND_OK;
  PQclear(result);
  if (held) return session;
  PQfinish(session);
  return nullptr;
}

}  // namespace

absl::Status DumpGate::Prepare(MiniPostgres& server, const std::string& database, int row_count) {
  RETURN_IF_ERROR(server.Execute("SELECT lo_from_bytea(0, 'gate'::bytea)", database));
  return server.Execute(
      absl::StrCat("CREATE TABLE filler AS SELECT g AS id, md5(g::text) AS text FROM generate_series(1, ", row_count,
                   ") g"),
      database);
}

DumpGate::DumpGate(MiniPostgres& server, const std::string& database)
    : server_(server),
      session_(Hold(server.Url(database), "LOCK TABLE pg_catalog.pg_largeobject IN ACCESS EXCLUSIVE MODE")) {}

void DumpGate::Open() { session_.reset(); }

bool DumpGate::SomebodyWaits() const {
  const absl::StatusOr<std::string> count = server_.Query(
      "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'pg_catalog.pg_largeobject'::regclass");
  return count.ok() && *count != "0";
}

TableLock::TableLock(MiniPostgres& server, const std::string& database, const std::string& table)
    : session_(Hold(server.Url(database), absl::StrCat("LOCK TABLE ", table, " IN ACCESS EXCLUSIVE MODE"))) {}

TableLock::~TableLock() { PQfinish(session_); }

}  // namespace backup::testing
