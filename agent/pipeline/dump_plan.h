// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace backup::agent {

// A table that can be dumped in a stream of its own. Names are raw bytes in the database's encoding.
struct DumpableTable {
  std::string schema;
  std::string name;
  int64_t bytes = 0;  // About what its rows come to.
};

// Which tables are dumped by which of several pg_dumps at once.
struct DumpPlan {
  // Each entry: the tables of one stream, at least one. Every other table, the sequences and the large objects go into
  // one stream more, which leaves these out.
  std::vector<std::vector<DumpableTable>> streams;
};

// Spreads the rows over at most `jobs` streams of about equal length. Only the largest tables get streams of their own:
// a small one is not worth a pattern on a command line. `other_bytes` is what the tables that are not listed come to.
// Pure; the same for the same input.
DumpPlan PlanStreams(std::vector<DumpableTable> tables, int64_t other_bytes, int jobs);

// Whether the server's lock table, with room for `lock_table_size` objects and twice as many holders of locks, takes
// several pg_dumps at once beside the session with the snapshot: three of the streams lock every table. One pg_dump is
// always tried. Pure.
bool LocksAllowStreams(int64_t table_count, int64_t lock_table_size);

// The pattern for pg_dump's --table and --exclude-table-data that matches exactly this table (PostgreSQL manual, psql,
// "Patterns").
std::string TablePattern(const DumpableTable& table);

}  // namespace backup::agent
