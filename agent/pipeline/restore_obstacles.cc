// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/restore_obstacles.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "agent/pipeline/dump_statements.h"
#include "agent/pipeline/restore_target.h"
#include "agent/pipeline/roles_named.h"
#include "agent/pipeline/stored_text.h"
#include "agent/pipeline/table_relocation.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace backup::agent {
namespace {

constexpr absl::Duration kLookTimeout = absl::Seconds(30);

std::string WithHint(const absl::Status& refusal) {
  const std::string hint = ErrorHint(refusal);
  return hint.empty() ? std::string(refusal.message()) : absl::StrCat(refusal.message(), "; ", hint);
}

// As operating systems write one locale in several ways: "de_DE.UTF-8", "de_DE.utf8".
std::string NormalLocale(absl::string_view locale) {
  return absl::StrReplaceAll(absl::AsciiStrToLower(locale), {{"-", ""}});
}

class ObstacleSearch {
 public:
  ObstacleSearch(PgSession& session, const RestoreSource& source, const RestoreRequest& request,
                 Cancellation& cancellation)
      : session_(session), source_(source), request_(request), cancellation_(cancellation) {}

  absl::StatusOr<std::vector<std::string>> Find() {
    RETURN_IF_ERROR(Note(CheckServerVersion(session_, source_.manifest)));
    if (!request_.into_schema.empty()) {
      RETURN_IF_ERROR(Note(CheckSchemaNameIsFree(session_, request_.into_schema)));
      RETURN_IF_ERROR(Note(CheckNoSchemaIsLeft(session_, TemporaryNameFor(source_.manifest))));
      RETURN_IF_ERROR(Note(CheckNothingPublishesNewTables(session_)));
      RETURN_IF_ERROR(Note(CheckNamesAreUnique(source_.manifest, source_.choice)));
      RETURN_IF_ERROR(FindRightToMakeSchemas());
      return std::move(obstacles_);
    }
    RETURN_IF_ERROR(Note(CheckExtensions(session_, source_.manifest)));
    if (request_.create_database.empty()) {
      RETURN_IF_ERROR(Note(CheckDatabaseIsEmpty(session_)));
    } else {
      RETURN_IF_ERROR(Note(CheckDatabaseNameIsFree(session_, request_.create_database)));
      RETURN_IF_ERROR(Note(CheckNoDatabaseIsLeft(session_, TemporaryNameFor(source_.manifest))));
      RETURN_IF_ERROR(FindRight("rolcreatedb", "make databases", "grant it CREATEDB, or restore as another role"));
      RETURN_IF_ERROR(FindLocale());
      RETURN_IF_ERROR(FindLocaleProvider());
    }
    RETURN_IF_ERROR(request_.create_roles
                        ? FindRight("rolcreaterole", "make roles", "grant it CREATEROLE, or restore as another role")
                        : FindRoles());
    return std::move(obstacles_);
  }

 private:
  // A refusal is an obstacle; any other error ends the search.
  absl::Status Note(const absl::Status& status) {
    if (status.ok() || ErrorReason(status) != "RESTORE_REFUSED") {
      return status;
    }
    obstacles_.push_back(WithHint(status));
    return absl::OkStatus();
  }

  absl::Status FindRight(absl::string_view column, absl::string_view what, absl::string_view hint) {
    ASSIGN_OR_RETURN(
        const PgRows rows,
        session_.Query(absl::StrCat("SELECT (rolsuper OR ", column,
                                    ")::text, rolname FROM pg_catalog.pg_roles WHERE rolname = current_user"),
                       kLookTimeout));
    if (rows.empty() || rows[0][0] != "true") {
      obstacles_.push_back(absl::StrCat("role \"", rows.empty() ? "" : CleanText(rows[0][1].value_or(""), 100),
                                        "\" may not ", what, "; ", hint));
    }
    return absl::OkStatus();
  }

  absl::Status FindRightToMakeSchemas() {
    ASSIGN_OR_RETURN(
        const PgRows rows,
        session_.Query("SELECT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')::text,"
                       " current_user, pg_catalog.current_database()",
                       kLookTimeout));
    if (rows.empty() || rows[0][0] != "true") {
      const std::string role = rows.empty() ? "" : CleanText(rows[0][1].value_or(""), 100);
      obstacles_.push_back(
          absl::StrCat("role \"", role, "\" may not make schemas there; grant it CREATE on database \"",
                       rows.empty() ? "" : CleanText(rows[0][2].value_or(""), 100), "\", or restore as another role"));
    }
    return absl::OkStatus();
  }

  // What initdb found on the host is in pg_collation (PostgreSQL manual, 24.2.2.1).
  absl::Status FindLocale() {
    ASSIGN_OR_RETURN(const PgRows rows,
                     session_.Query("SELECT DISTINCT collcollate FROM pg_catalog.pg_collation "
                                    "WHERE collcollate IS NOT NULL UNION SELECT datcollate FROM pg_catalog.pg_database",
                                    kLookTimeout));
    const v1::DatabaseIdentity& database = source_.manifest.database();
    for (const std::string& wanted : std::set<std::string>{database.collation(), database.ctype()}) {
      const bool found = std::any_of(rows.begin(), rows.end(), [&](const auto& row) {
        return NormalLocale(row.at(0).value_or("")) == NormalLocale(wanted);
      });
      if (!wanted.empty() && !found) {
        obstacles_.push_back(absl::StrCat("the server's host has no locale \"", CleanText(wanted, 100),
                                          "\"; generate it there, then run pg_import_system_collations"));
      }
    }
    return absl::OkStatus();
  }

  absl::Status FindLocaleProvider() {
    const std::string provider = source_.properties.has_value() ? source_.properties->locale_provider() : "";
    if (provider != "i" && provider != "b") {
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(const PgRows rows,
                     session_.Query("SELECT 1 FROM pg_catalog.pg_collation WHERE collprovider = $1 LIMIT 1",
                                    kLookTimeout, {provider}));
    if (rows.empty()) {
      obstacles_.push_back(absl::StrCat("the server has no locales of ", provider == "i" ? "ICU" : "its own",
                                        ", by which the database sorts; use a server that has them"));
    }
    return absl::OkStatus();
  }

  absl::Status FindRoles() {
    ASSIGN_OR_RETURN(const std::set<std::string> present, ReadRoles(session_));
    std::set<std::string> missing;
    std::copy_if(source_.manifest.roles().begin(), source_.manifest.roles().end(),
                 std::inserter(missing, missing.end()),
                 [&](const std::string& role) { return !present.contains(role); });
    if (missing.empty()) {
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(const std::set<std::string> used, RolesUsed(missing));
    if (!used.empty()) {
      obstacles_.push_back(
          absl::StrCat("the server lacks roles that the database uses: ", CleanText(absl::StrJoin(used, ", "), 500),
                       "; make them, or have the restore make them"));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::set<std::string>> RolesUsed(const std::set<std::string>& roles) {
    ASSIGN_OR_RETURN(const StoredText text, StoredText::Open(request_.artifact_directory, source_.manifest));
    std::set<std::string> used;
    StatementReader reader([&](const DumpStatement& statement) {
      used.merge(RolesNamedIn(statement.text, roles));
      return absl::OkStatus();
    });
    int64_t position = 0;
    for (const v1::TableFacts& table : source_.manifest.tables()) {
      RETURN_IF_ERROR(text.Read(position, table.plain_offset(), cancellation_, reader));
      position = table.plain_offset() + table.plain_bytes();
    }
    RETURN_IF_ERROR(text.Read(position, text.plain_bytes(), cancellation_, reader));
    RETURN_IF_ERROR(reader.Finish());
    return used;
  }

  PgSession& session_;
  const RestoreSource& source_;
  const RestoreRequest& request_;
  Cancellation& cancellation_;
  std::vector<std::string> obstacles_;
};

}  // namespace

absl::StatusOr<std::vector<std::string>> FindRestoreObstacles(PgSession& session, const RestoreSource& source,
                                                              const RestoreRequest& request,
                                                              Cancellation& cancellation) {
  return ObstacleSearch(session, source, request, cancellation).Find();
}

}  // namespace backup::agent
