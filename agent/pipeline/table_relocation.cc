// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/table_relocation.h"

#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "agent/pipeline/dump_facts.h"
#include "agent/pipeline/job_failure.h"
#include "agent/pipeline/sql_name.h"

namespace backup::agent {
namespace {

constexpr char kHint[] = "restore it to a database of its own with --create-database NAME";

// The settings that pg_dump writes for the text and the making of tables.
bool IsNeededSetting(absl::string_view text) { return !absl::StartsWith(text, "SET default_tablespace "); }

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
  statement->text.replace(statement->table_begin, statement->table_end - statement->table_begin,
                          absl::StrCat(QuoteName(schema), ".", QuoteName(statement->table.name)));
  return Relocation::kMoved;
}

}  // namespace backup::agent
