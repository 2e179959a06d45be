// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/restore_target.h"

#include <algorithm>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/pipeline/job_failure.h"
#include "agent/pipeline/sql_name.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace backup::agent {
namespace {

constexpr absl::Duration kQueryTimeout = absl::Seconds(30);
// The template database is copied, and the server may make a checkpoint first.
constexpr absl::Duration kCreateTimeout = absl::Minutes(10);
constexpr int kFirstVersionWithProviders = 150000;

absl::Status Refused(absl::string_view why, absl::string_view hint) { return JobError(v1::RESTORE_REFUSED, why, hint); }

absl::Status LeftBehind(absl::string_view kind, absl::string_view temporary) {
  return Refused(absl::StrCat("another restore of this backup is under way on the server, or one that was killed left ",
                              kind, " \"", CleanText(temporary, 200), "\""),
                 absl::StrCat("wait for it; when there is none, drop that ", kind));
}

absl::StatusOr<std::set<std::string>> ReadNames(PgSession& session, const std::string& sql) {
  ASSIGN_OR_RETURN(const PgRows rows, session.Query(sql, kQueryTimeout));
  std::set<std::string> names;
  for (const auto& row : rows) {
    names.insert(row.at(0).value_or(""));
  }
  return names;
}

}  // namespace

absl::Status CheckServerCanTake(PgSession& session, const v1::Manifest& manifest) {
  RETURN_IF_ERROR(CheckServerVersion(session, manifest));
  return CheckExtensions(session, manifest);
}

absl::Status CheckServerVersion(PgSession& session, const v1::Manifest& manifest) {
  const int dumped = manifest.database().server_version_num() / 10000;
  const int target = session.server_version_num() / 10000;
  if (target < dumped) {
    return Refused(absl::StrCat("the dump is of PostgreSQL ", dumped, ", and the server is of ", target),
                   absl::StrCat("restore to a server of version ", dumped, " or later"));
  }
  return absl::OkStatus();
}

absl::Status CheckExtensions(PgSession& session, const v1::Manifest& manifest) {
  ASSIGN_OR_RETURN(const std::set<std::string> available,
                   ReadNames(session, "SELECT name FROM pg_catalog.pg_available_extensions"));
  std::vector<std::string> missing;
  for (const v1::ExtensionFacts& extension : manifest.extensions()) {
    if (!available.contains(extension.name())) {
      missing.push_back(CleanText(extension.name(), 100));
    }
  }
  if (!missing.empty()) {
    return Refused(absl::StrCat("the server lacks extensions that the database uses: ", absl::StrJoin(missing, ", ")),
                   "install their packages on the server");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::set<std::string>> ReadRoles(PgSession& session) {
  return ReadNames(session, "SELECT rolname FROM pg_catalog.pg_roles");
}

absl::Status CheckDatabaseIsEmpty(PgSession& session) {
  ASSIGN_OR_RETURN(
      const std::set<std::string> objects,
      ReadNames(session,
                "SELECT pg_catalog.format('%I.%I', n.nspname, o.name) FROM"
                " (SELECT relname AS name, relnamespace AS namespace, oid FROM pg_catalog.pg_class"
                "   WHERE relkind NOT IN ('i', 'I', 't')"
                "  UNION ALL SELECT proname, pronamespace, oid FROM pg_catalog.pg_proc"
                "  UNION ALL SELECT typname, typnamespace, oid FROM pg_catalog.pg_type WHERE typtype IN ('e', 'd')) o"
                " JOIN pg_catalog.pg_namespace n ON n.oid = o.namespace"
                " WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
                " AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.objid = o.oid AND d.deptype = 'e')"
                " ORDER BY 1 LIMIT 4"));
  if (objects.empty()) {
    return absl::OkStatus();
  }
  return Refused(absl::StrCat("the database is not empty: it holds ", CleanText(absl::StrJoin(objects, ", "), 400)),
                 "restore into a new database");
}

absl::Status CheckDatabaseNameIsFree(PgSession& session, const std::string& name) {
  ASSIGN_OR_RETURN(const PgRows rows,
                   session.Query("SELECT 1 FROM pg_catalog.pg_database WHERE datname = $1", kQueryTimeout, {name}));
  return rows.empty() ? absl::OkStatus()
                      : Refused(absl::StrCat("there is a database \"", CleanText(name, 200), "\" already"),
                                "choose another name for the database");
}

std::string TemporaryNameFor(const v1::Manifest& manifest) {
  return absl::StrCat("backupctl restoring ", manifest.backup_id());
}

absl::Status CheckNoDatabaseIsLeft(PgSession& session, const std::string& temporary) {
  ASSIGN_OR_RETURN(const PgRows rows, session.Query("SELECT 1 FROM pg_catalog.pg_database WHERE datname = $1",
                                                    kQueryTimeout, {temporary}));
  return rows.empty() ? absl::OkStatus() : LeftBehind("database", temporary);
}

absl::Status CheckNoSchemaIsLeft(PgSession& session, const std::string& temporary) {
  ASSIGN_OR_RETURN(const PgRows rows, session.Query("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1",
                                                    kQueryTimeout, {temporary}));
  return rows.empty() ? absl::OkStatus() : LeftBehind("schema", temporary);
}

absl::Status CheckSchemaNameIsFree(PgSession& session, const std::string& name) {
  if (absl::StartsWith(name, "pg_")) {
    return Refused(absl::StrCat("PostgreSQL keeps names like \"", CleanText(name, 200), "\" for itself"),
                   "choose another name for the schema");
  }
  ASSIGN_OR_RETURN(const PgRows schemas,
                   session.Query("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1", kQueryTimeout, {name}));
  if (!schemas.empty()) {
    return Refused(absl::StrCat("there is a schema \"", CleanText(name, 200), "\" already"),
                   "choose another name for the schema, or drop that one first");
  }
  ASSIGN_OR_RETURN(const PgRows roles,
                   session.Query("SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $1", kQueryTimeout, {name}));
  return roles.empty() ? absl::OkStatus()
                       : Refused(absl::StrCat("\"", CleanText(name, 200),
                                              "\" is the name of a role, which would find the schema's tables before "
                                              "the live ones"),
                                 "choose another name for the schema");
}

absl::Status CheckNothingPublishesNewTables(PgSession& session) {
  ASSIGN_OR_RETURN(const std::set<std::string> publications,
                   ReadNames(session, "SELECT pubname FROM pg_catalog.pg_publication WHERE puballtables"));
  return publications.empty()
             ? absl::OkStatus()
             : Refused(absl::StrCat("publication \"", CleanText(*publications.begin(), 100),
                                    "\" is of all tables, and its subscribers do not have those of the schema"),
                       "restore to a database of its own");
}

absl::Status MakeSchemaPrivate(PgSession& session, const std::string& name) {
  ASSIGN_OR_RETURN(const PgRows grantees,
                   session.Query("SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE"
                                 "   pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END"
                                 " FROM pg_catalog.pg_namespace n, pg_catalog.aclexplode(n.nspacl) a"
                                 " WHERE n.nspname = $1 AND a.grantee <> n.nspowner",
                                 kQueryTimeout, {name}));
  for (const auto& grantee : grantees) {
    RETURN_IF_ERROR(
        session
            .Query(absl::StrCat("REVOKE ALL ON SCHEMA ", QuoteName(name), " FROM ", grantee.at(0).value_or("PUBLIC")),
                   kQueryTimeout)
            .status());
  }
  return absl::OkStatus();
}

absl::Status CreateDatabaseLike(PgSession& session, const std::string& name, const v1::DatabaseIdentity& original,
                                const v1::DatabaseProperties& properties) {
  std::string sql = absl::StrCat("CREATE DATABASE ", QuoteName(name), " TEMPLATE template0");
  const auto add = [&sql](const char* key, const std::string& value) {
    if (!value.empty()) {
      absl::StrAppend(&sql, " ", key, " ", QuoteText(value));
    }
  };
  add("ENCODING", original.encoding());
  add("LC_COLLATE", original.collation());
  add("LC_CTYPE", original.ctype());
  if (properties.locale_provider() == "i") {
    absl::StrAppend(&sql, " LOCALE_PROVIDER icu");
    add("ICU_LOCALE", properties.locale());
    add("ICU_RULES", properties.icu_rules());
  } else if (properties.locale_provider() == "b") {
    absl::StrAppend(&sql, " LOCALE_PROVIDER builtin");
    add("BUILTIN_LOCALE", properties.locale());
  } else if (session.server_version_num() >= kFirstVersionWithProviders) {
    absl::StrAppend(&sql, " LOCALE_PROVIDER libc");  // Or it would be that of template0.
  }
  const absl::Status made = session.Query(sql, kCreateTimeout).status();
  return made.ok() ? made : Annotate(made, absl::StrCat("cannot make database \"", CleanText(name, 200), "\""));
}

absl::Status MakeCommitDurable(PgSession& session) {
  return session
      .Query(
          "SELECT pg_catalog.set_config('synchronous_commit', 'on', true)"
          " WHERE pg_catalog.current_setting('synchronous_commit') = 'off'",
          kQueryTimeout)
      .status();
}

}  // namespace backup::agent
