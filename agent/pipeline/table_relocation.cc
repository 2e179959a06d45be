// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/table_relocation.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "agent/pipeline/dump_facts.h"
#include "agent/pipeline/job_failure.h"
#include "agent/pipeline/sql_name.h"

namespace backup::agent {
namespace {

constexpr char kHint[] = "restore it to a database of its own";

// The settings that pg_dump writes for the text and the making of tables. The tablespace is not among them.
bool IsNeededSetting(absl::string_view text) {
  if (text == "SELECT pg_catalog.set_config('search_path', '', false)") {
    return true;
  }
  constexpr absl::string_view kNames[] = {"statement_timeout",
                                          "lock_timeout",
                                          "idle_in_transaction_session_timeout",
                                          "transaction_timeout",
                                          "client_encoding",
                                          "standard_conforming_strings",
                                          "check_function_bodies",
                                          "xmloption",
                                          "client_min_messages",
                                          "row_security",
                                          "default_table_access_method"};
  return absl::ConsumePrefix(&text, "SET ") &&
         std::any_of(std::begin(kNames), std::end(kNames),
                     [text](absl::string_view name) { return absl::StartsWith(text, absl::StrCat(name, " = ")); });
}

// Whether a comma stands in `text` outside of parentheses, quoted names and string literals.
bool HasCommaOutsideOfParentheses(absl::string_view text) {
  int depth = 0;
  char quote = 0;
  for (const char c : text) {
    if (quote != 0) {
      quote = c == quote ? '\0' : quote;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '(') {
      ++depth;
    } else if (c == ')') {
      --depth;
    } else if (c == ',' && depth <= 0) {
      return true;
    }
  }
  return false;
}

// Whether what stands after the name of the table can only be what the kind of the statement says. A forged dump could
// go on with another action, another source of rows, another parent.
bool ReachesNothingElse(const DumpStatement& statement) {
  const absl::string_view rest = absl::string_view(statement.text).substr(statement.table_end);
  switch (statement.kind) {
    case RestoreKind::kCreateTable:
      return absl::StartsWith(rest, " (") || absl::StartsWith(rest, " OF ");
    case RestoreKind::kCopy:
      return absl::EndsWith(rest, " FROM stdin");
    case RestoreKind::kTable:
      return !HasCommaOutsideOfParentheses(rest);
    default:
      return true;
  }
}

// `ALTER TABLE [ONLY] table\n    ADD CONSTRAINT ...` in another form than those that are moved, such as a check that is
// not validated.
bool IsOtherConstraint(absl::string_view text, QualifiedName* table) {
  if (!absl::ConsumePrefix(&text, "ALTER TABLE ")) {
    return false;
  }
  absl::ConsumePrefix(&text, "ONLY ");
  return ConsumeQualifiedName(&text, table) && absl::StartsWith(text, "\n    ADD CONSTRAINT ");
}

}  // namespace

absl::Status CheckNamesAreUnique(const v1::Manifest& manifest, const TableChoice& choice) {
  std::set<absl::string_view> names;
  for (int i = 0; i < manifest.tables_size(); ++i) {
    const v1::TableFacts& table = manifest.tables(i);
    if (choice.Has(static_cast<size_t>(i)) && !names.insert(table.name()).second) {
      return JobError(
          v1::RESTORE_REFUSED,
          absl::StrCat("of two tables that are called as ", TableLabel(table), " only one has room in a schema"),
          "choose tables of one schema at a time with --schema SCHEMA");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Relocation> RelocateStatement(const v1::Manifest& manifest, const TableChoice& choice,
                                             absl::string_view schema, DumpStatement* statement) {
  switch (statement->kind) {
    case RestoreKind::kSetting:
      return IsNeededSetting(statement->text) ? Relocation::kMoved : Relocation::kNotMeant;
    case RestoreKind::kCreateTable:
    case RestoreKind::kCopy:
    case RestoreKind::kIndex:
    case RestoreKind::kTable:
      break;
    case RestoreKind::kForeignKey:
      return choice.Has(manifest, statement->table) ? Relocation::kLeftOut : Relocation::kNotMeant;
    case RestoreKind::kOther: {
      QualifiedName table;
      return IsOtherConstraint(statement->text, &table) && choice.Has(manifest, table) ? Relocation::kLeftOut
                                                                                       : Relocation::kNotMeant;
    }
    default:
      return Relocation::kNotMeant;
  }
  if (!choice.Has(manifest, statement->table)) {
    // Of a table that is not chosen the COPY only says where its rows are.
    return statement->kind == RestoreKind::kCopy ? Relocation::kMoved : Relocation::kNotMeant;
  }
  if (statement->kind == RestoreKind::kCreateTable && absl::StrContains(statement->text, ")\nINHERITS (")) {
    return JobError(v1::RESTORE_REFUSED,
                    absl::StrCat("table \"", statement->table.name,
                                 "\" inherits from another, and would become a part of the one that is there"),
                    kHint);
  }
  if (!ReachesNothingElse(*statement)) {
    return Relocation::kNotMeant;
  }
  statement->text.replace(statement->table_begin, statement->table_end - statement->table_begin,
                          absl::StrCat(QuoteName(schema), ".", QuoteName(statement->table.name)));
  return Relocation::kMoved;
}

}  // namespace backup::agent
