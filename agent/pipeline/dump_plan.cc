// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/dump_plan.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "agent/pipeline/sql_name.h"

namespace backup::agent {
namespace {

// As many as can have streams of their own; each is a pattern of up to 150 bytes on two command lines.
constexpr size_t kMaxTables = 64;
// A pg_dump of its own costs about as much as this many bytes of rows.
constexpr int64_t kLeastBytes = 4 << 20;

}  // namespace

DumpPlan PlanStreams(std::vector<DumpableTable> tables, int64_t other_bytes, int jobs) {
  std::sort(tables.begin(), tables.end(), [](const DumpableTable& a, const DumpableTable& b) {
    return std::tie(b.bytes, a.schema, a.name) < std::tie(a.bytes, b.schema, b.name);
  });
  const size_t streams = static_cast<size_t>(std::max(jobs, 1));
  size_t movable = 0;
  for (size_t i = 0; i < tables.size(); ++i) {
    if (i < kMaxTables && tables[i].bytes >= kLeastBytes) {
      ++movable;
    } else {
      other_bytes += tables[i].bytes;
    }
  }
  // The longest first, each into the stream that is shortest so far; number 0 is the one with all the rest.
  std::vector<int64_t> lengths(streams, 0);
  std::vector<std::vector<DumpableTable>> members(streams);
  lengths[0] = other_bytes;
  for (size_t i = 0; i < movable; ++i) {
    const size_t shortest = static_cast<size_t>(std::min_element(lengths.begin(), lengths.end()) - lengths.begin());
    lengths[shortest] += tables[i].bytes;
    members[shortest].push_back(std::move(tables[i]));
  }
  DumpPlan plan;
  for (size_t i = 1; i < streams; ++i) {
    if (!members[i].empty()) {
      plan.streams.push_back(std::move(members[i]));
    }
  }
  return plan;
}

bool LocksAllowStreams(int64_t table_count, int64_t lock_table_size) {
  // Four holders of each, so that other sessions find room too.
  return 4 * table_count <= 2 * lock_table_size;
}

std::string TablePattern(const DumpableTable& table) {
  return absl::StrCat(QuoteName(table.schema), ".", QuoteName(table.name));
}

}  // namespace backup::agent
