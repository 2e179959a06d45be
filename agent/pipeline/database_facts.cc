// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/database_facts.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "agent/pipeline/job_failure.h"
#include "agent/pipeline/text_name.h"
#include "base/status_macros.h"

namespace backup::agent {
namespace {

// Tables of pg_dump's; `%` stands for the columns wanted, `@` for the kinds.
constexpr char kTables[] = R"(
SELECT %
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_class toast ON toast.oid = c.reltoastrelid
 WHERE c.relkind IN (@) AND c.relpersistence <> 't'
   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                    WHERE d.deptype = 'e' AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
                      AND (d.classid, d.objid) IN (('pg_catalog.pg_class'::pg_catalog.regclass, c.oid),
                                                   ('pg_catalog.pg_namespace'::pg_catalog.regclass, n.oid))))";

constexpr char kIdentity[] = R"(
SELECT pg_catalog.current_database(), d.oid, pg_catalog.pg_encoding_to_char(d.encoding), d.datcollate, d.datctype,
       pg_catalog.current_setting('server_version'), pg_catalog.pg_database_size(d.oid),
       (extract(epoch FROM pg_catalog.statement_timestamp()) * 1000000)::bigint
  FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())";

std::string TablesQuery(absl::string_view columns) {
  return absl::StrReplaceAll(kTables, {{"%", columns}, {"@", "'r'"}});
}

std::string Text(const std::optional<std::string>& value) { return NameToUtf8(value.value_or("")); }

int64_t Number(const std::optional<std::string>& value) {
  int64_t number = 0;
  return value.has_value() && absl::SimpleAtoi(*value, &number) ? number : 0;
}

// The single row of a question that has exactly one.
absl::StatusOr<std::vector<std::optional<std::string>>> QueryRow(PgSession& session, const std::string& sql,
                                                                 absl::Duration timeout, size_t column_count) {
  ASSIGN_OR_RETURN(PgRows rows, session.Query(sql, timeout));
  if (rows.size() != 1 || rows[0].size() != column_count) {
    return JobError(v1::INTERNAL, "the server's answer about the database has an unexpected form");
  }
  return rows[0];
}

absl::StatusOr<std::string> ReadSystemIdentifier(PgSession& session, absl::Duration timeout) {
  // Asked first: a refusal would end the transaction.
  ASSIGN_OR_RETURN(
      auto allowed,
      QueryRow(session, "SELECT pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')",
               timeout, 1));
  if (allowed[0] != "t") {
    return "";
  }
  ASSIGN_OR_RETURN(auto row,
                   QueryRow(session, "SELECT system_identifier FROM pg_catalog.pg_control_system()", timeout, 1));
  return Text(row[0]);
}

}  // namespace

absl::Status PrepareSession(PgSession& session, absl::Duration statement_timeout) {
  const std::string milliseconds = absl::StrCat(absl::ToInt64Milliseconds(statement_timeout));
  return session
      .Query(
          "SELECT pg_catalog.set_config('search_path', '', false), pg_catalog.set_config('statement_timeout', $1, "
          "false),"
          " pg_catalog.set_config('lock_timeout', $1, false),"
          " pg_catalog.set_config('idle_in_transaction_session_timeout', '0', false),"
          " pg_catalog.set_config('client_encoding', pg_catalog.pg_encoding_to_char(d.encoding), false)"
          " FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()",
          statement_timeout, {milliseconds})
      .status();
}

absl::StatusOr<DatabaseFacts> ReadDatabaseFacts(PgSession& session, absl::Duration statement_timeout) {
  DatabaseFacts facts;
  ASSIGN_OR_RETURN(auto row, QueryRow(session, kIdentity, statement_timeout, 8));
  v1::DatabaseIdentity& identity = facts.identity;
  identity.set_name(Text(row[0]));
  identity.set_oid(static_cast<uint32_t>(Number(row[1])));
  identity.set_encoding(Text(row[2]));
  identity.set_collation(Text(row[3]));
  identity.set_ctype(Text(row[4]));
  identity.set_server_version(Text(row[5]));
  identity.set_server_version_num(session.server_version_num());
  identity.set_size_bytes(Number(row[6]));
  facts.server_time = absl::FromUnixMicros(Number(row[7]));
  ASSIGN_OR_RETURN(*identity.mutable_system_identifier(), ReadSystemIdentifier(session, statement_timeout));

  // Pages as the planner knows them: asking for true sizes would wait behind exclusive locks.
  ASSIGN_OR_RETURN(
      row, QueryRow(session,
                    TablesQuery("count(*), sum((greatest(c.relpages, 0) + greatest(toast.relpages, 0))::bigint *"
                                " pg_catalog.current_setting('block_size')::bigint)"),
                    statement_timeout, 2));
  facts.table_count = static_cast<int32_t>(Number(row[0]));
  facts.estimated_plain_bytes = std::min(Number(row[1]), identity.size_bytes());
  if (facts.estimated_plain_bytes == 0 && facts.table_count > 0) {
    facts.estimated_plain_bytes = identity.size_bytes();
  }
  ASSIGN_OR_RETURN(
      PgRows extensions,
      session.Query("SELECT extname, extversion FROM pg_catalog.pg_extension ORDER BY extname COLLATE \"C\"",
                    statement_timeout));
  for (const auto& extension : extensions) {
    v1::ExtensionFacts& entry = facts.extensions.emplace_back();
    entry.set_name(Text(extension[0]));
    entry.set_version(Text(extension[1]));
  }
  return facts;
}

std::string LockableTablesQuery() {
  return absl::StrReplaceAll(kTables, {{"%", "pg_catalog.format('%I.%I', n.nspname, c.relname)"}, {"@", "'r', 'p'"}});
}

absl::StatusOr<std::vector<ExpectedTable>> ReadExpectedTables(PgSession& session, bool with_sizes,
                                                              absl::Duration statement_timeout) {
  // pg_partition_root came with 12; before it, a partition is known by its own name only.
  const bool has_root = session.server_version_num() >= 120000;
  const std::string root = "CASE WHEN c.relispartition THEN pg_catalog.pg_partition_root(c.oid) END";
  std::string columns = has_root
                            ? absl::StrCat(
                                  "n.nspname, c.relname,"
                                  " (SELECT rn.nspname FROM pg_catalog.pg_class r JOIN pg_catalog.pg_namespace rn"
                                  " ON rn.oid = r.relnamespace WHERE r.oid = ",
                                  root, "), (SELECT r.relname FROM pg_catalog.pg_class r WHERE r.oid = ", root, ")")
                            : "n.nspname, c.relname, NULL, NULL";
  absl::StrAppend(&columns, with_sizes ? ", pg_catalog.pg_table_size(c.oid)" : ", 0");
  ASSIGN_OR_RETURN(PgRows rows, session.Query(TablesQuery(columns), statement_timeout));
  std::vector<ExpectedTable> tables;
  tables.reserve(rows.size());
  for (const auto& row : rows) {
    tables.push_back(
        {row[0].value_or(""), row[1].value_or(""), row[2].value_or(""), row[3].value_or(""), Number(row[4])});
  }
  return tables;
}

}  // namespace backup::agent
