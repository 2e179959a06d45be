// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/backup_checks.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/pipeline/job_failure.h"
#include "agent/pipeline/text_name.h"
#include "base/text.h"
#include "base/units.h"

namespace backup::agent {
namespace {

constexpr size_t kMaxTablesNamed = 5;
// No text compresses better than this by much, and no artifact is smaller than this.
constexpr int64_t kBestRatio = 200;
constexpr int64_t kLeastArtifactBytes = 32 << 10;

}  // namespace

absl::Status CheckAllTablesDumped(const std::vector<ExpectedTable>& expected, const DumpFacts& facts) {
  std::set<std::pair<std::string, std::string>> dumped;
  for (const v1::TableFacts& table : facts.tables) {
    dumped.emplace(table.schema(), table.name());
  }
  std::vector<std::string> missing;
  size_t missing_count = 0;
  for (const ExpectedTable& table : expected) {
    if (dumped.contains({NameToUtf8(table.schema), NameToUtf8(table.name)})) {
      continue;
    }
    if (++missing_count <= kMaxTablesNamed) {
      missing.push_back(CleanText(absl::StrCat(table.schema, ".", table.name), 200));
    }
  }
  if (missing_count == 0) {
    return absl::OkStatus();
  }
  return JobError(v1::INCOMPLETE,
                  absl::StrCat("the dump lacks ", missing_count, " of the database's tables: ",
                               absl::StrJoin(missing, ", "), missing_count > missing.size() ? " and others" : ""),
                  "look whether something other than pg_dump stands in its place");
}

absl::Status CheckVerifySpec(const v1::VerifySpec& spec, const std::vector<ExpectedTable>& expected,
                             const DumpFacts& facts) {
  if (facts.plain_bytes < spec.min_bytes()) {
    return JobError(v1::INCOMPLETE,
                    absl::StrCat("the dump has ", backup::FormatSize(facts.plain_bytes),
                                 ", less than verify.minBytes, which is ", backup::FormatSize(spec.min_bytes())),
                    "look whether the database lost its data, or lower verify.minBytes");
  }
  std::map<std::string, std::string> root_of;  // Of a partition, by name.
  for (const ExpectedTable& table : expected) {
    if (!table.root_name.empty()) {
      root_of[absl::StrCat(NameToUtf8(table.schema), ".", NameToUtf8(table.name))] =
          absl::StrCat(NameToUtf8(table.root_schema), ".", NameToUtf8(table.root_name));
    }
  }
  std::map<std::string, int64_t> row_counts;
  for (const v1::TableFacts& table : facts.tables) {
    const std::string name = absl::StrCat(table.schema(), ".", table.name());
    row_counts[name] += table.row_count();
    if (auto root = root_of.find(name); root != root_of.end()) {
      row_counts[root->second] += table.row_count();
    }
  }
  for (const std::string& key_table : spec.key_tables()) {
    auto count = row_counts.find(key_table);
    if (count == row_counts.end() || count->second == 0) {
      return JobError(v1::INCOMPLETE,
                      absl::StrCat("key table ", CleanText(key_table, 200),
                                   count == row_counts.end() ? " is not in the dump" : " has no rows in the dump"),
                      "look whether the database lost its data, or correct verify.keyTables (schema.table)");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckFreeSpace(const std::string& root, int64_t estimated_plain_bytes) {
  struct statvfs info;
  if (statvfs(root.c_str(), &info) != 0) {
    return absl::OkStatus();  // Writing will tell.
  }
  const int64_t free_bytes = static_cast<int64_t>(info.f_bavail) * static_cast<int64_t>(info.f_frsize);
  const bool out_of_inodes = info.f_files > 0 && info.f_favail == 0;
  if (free_bytes < std::max(kLeastArtifactBytes, estimated_plain_bytes / kBestRatio) || out_of_inodes) {
    return JobError(v1::DISK_FULL,
                    absl::StrCat("the repository ", CleanText(root, 500), " has ", backup::FormatSize(free_bytes),
                                 out_of_inodes ? " and no file left" : " left", " for a dump of about ",
                                 backup::FormatSize(estimated_plain_bytes)),
                    "free some space in the repository; nothing that is stored there was touched");
  }
  return absl::OkStatus();
}

}  // namespace backup::agent
