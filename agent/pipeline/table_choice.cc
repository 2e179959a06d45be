// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/table_choice.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "agent/pipeline/sql_name.h"
#include "agent/pipeline/text_name.h"
#include "base/errors.h"
#include "base/text.h"

namespace backup::agent {
namespace {

constexpr int kNamesInHint = 5;

std::string NameOf(const v1::TableFacts& table) { return absl::StrCat(table.schema(), ".", table.name()); }

// What somebody may have meant by a name that no table has: tables of that name in some schema, that of `public` first,
// or the one whose name is nearest.
std::vector<std::string> MeantBy(const v1::Manifest& manifest, const std::string& name) {
  std::vector<std::string> meant;
  std::vector<std::string> all;
  const std::string last = name.substr(name.rfind('.') + 1);
  for (const v1::TableFacts& table : manifest.tables()) {
    all.push_back(NameOf(table));
    if (table.name() == name || table.name() == last) {
      meant.insert(table.schema() == "public" ? meant.begin() : meant.end(), CleanText(NameOf(table), 200));
    }
  }
  meant.resize(std::min<size_t>(meant.size(), kNamesInHint));
  if (meant.empty()) {
    std::string near = NearestWord(name, all);
    if (near.empty()) {
      near = NearestWord(absl::StrCat("public.", name), all);
    }
    if (!near.empty()) {
      meant.push_back(CleanText(near, 200));
    }
  }
  return meant;
}

absl::Status NotFound(const v1::Manifest& manifest, absl::string_view kind, const std::string& name) {
  const std::string why = absl::StrCat("the backup has no ", kind, " \"", CleanText(name, 200), "\"");
  const std::vector<std::string> meant = kind == "table" ? MeantBy(manifest, name) : std::vector<std::string>();
  if (!meant.empty()) {
    return MakeError(absl::StatusCode::kNotFound, "TABLE_NOT_FOUND", why,
                     absl::StrCat("did you mean ", absl::StrJoin(meant, " or "), "?"));
  }
  std::string hint = "it has";
  for (int i = 0; i < std::min(manifest.tables_size(), kNamesInHint); ++i) {
    absl::StrAppend(&hint, i == 0 ? " " : ", ", CleanText(NameOf(manifest.tables(i)), 100));
  }
  if (manifest.tables_size() > kNamesInHint) {
    absl::StrAppend(&hint, " and ", manifest.tables_size() - kNamesInHint, " more");
  } else if (manifest.tables_size() == 0) {
    hint = "it has no table with rows";
  }
  absl::StrAppend(&hint, "; of a partitioned table, name the partitions");
  return MakeError(absl::StatusCode::kNotFound, "TABLE_NOT_FOUND", why, hint);
}

// A foreign key of a partitioned table, which is added without ONLY. Its rows are those of the partitions.
bool IsForeignKeyOfPartitioned(absl::string_view text) {
  QualifiedName table;
  std::string constraint;
  return absl::ConsumePrefix(&text, "ALTER TABLE ") && ConsumeQualifiedName(&text, &table) &&
         absl::ConsumePrefix(&text, "\n    ADD CONSTRAINT ") && ConsumeIdentifier(&text, &constraint) &&
         absl::StartsWith(text, " FOREIGN KEY (");
}

}  // namespace

absl::StatusOr<TableChoice> TableChoice::Of(const v1::Manifest& manifest, const std::vector<std::string>& tables,
                                            const std::vector<std::string>& schemas) {
  TableChoice choice;
  if (tables.empty() && schemas.empty()) {
    return choice;
  }
  choice.chosen_.resize(static_cast<size_t>(manifest.tables_size()));
  const auto choose = [&](const auto& matches) {
    bool found = false;
    for (int i = 0; i < manifest.tables_size(); ++i) {
      if (matches(manifest.tables(i))) {
        choice.chosen_[static_cast<size_t>(i)] = true;
        found = true;
      }
    }
    return found;
  };
  for (const std::string& name : tables) {
    if (!choose([&](const v1::TableFacts& table) { return NameOf(table) == name; })) {
      return NotFound(manifest, "table", name);
    }
  }
  for (const std::string& name : schemas) {
    if (!choose([&](const v1::TableFacts& table) { return table.schema() == name; })) {
      return NotFound(manifest, "table in schema", name);
    }
  }
  return choice;
}

bool TableChoice::Has(const v1::Manifest& manifest, const QualifiedName& name) const {
  const std::string schema = NameToUtf8(name.schema);
  const std::string last = NameToUtf8(name.name);
  const auto table = std::find_if(manifest.tables().begin(), manifest.tables().end(), [&](const v1::TableFacts& facts) {
    return facts.schema() == schema && facts.name() == last;
  });
  return table != manifest.tables().end() && Has(static_cast<size_t>(table - manifest.tables().begin()));
}

bool TableChoice::LeavesOut(const v1::Manifest& manifest, const DumpStatement& statement) const {
  if (is_everything()) {
    return false;
  }
  if (statement.kind == RestoreKind::kForeignKey) {
    return Has(manifest, statement.table) && !Has(manifest, statement.referenced);
  }
  return absl::StartsWith(statement.text, "REFRESH MATERIALIZED VIEW ") || IsForeignKeyOfPartitioned(statement.text);
}

}  // namespace backup::agent
