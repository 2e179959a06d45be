// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/pipeline/conninfo.h"
#include "agent/pipeline/database_facts.h"
#include "agent/pipeline/database_probe.h"
#include "base/cancellation.h"

namespace backup::agent {

// The session that holds the snapshot which all dump processes of a run read (pg_dump --snapshot). What it tells is
// true of exactly that snapshot; and since a snapshot means nothing to another cluster or database, a dump under it
// cannot be of another database than the one looked at.
class SnapshotSession {
 public:
  // Opens a REPEATABLE READ, READ ONLY transaction, looks, exports.
  static absl::StatusOr<SnapshotSession> Open(const Conninfo& conninfo, const ProbeOptions& options,
                                              Cancellation* cancellation);

  // Lets the snapshot go, once all dump processes have read; the facts stay.
  void Close() { session_.reset(); }

  const DatabaseFacts& facts() const { return facts_; }
  const std::vector<ExpectedTable>& expected_tables() const { return expected_tables_; }
  // For pg_dump --snapshot.
  const std::string& snapshot() const { return snapshot_; }

 private:
  SnapshotSession() = default;
  std::unique_ptr<PgSession> session_;
  DatabaseFacts facts_;
  std::vector<ExpectedTable> expected_tables_;
  std::string snapshot_;
};

}  // namespace backup::agent
