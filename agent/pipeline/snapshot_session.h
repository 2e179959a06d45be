// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/pipeline/conninfo.h"
#include "agent/pipeline/database_facts.h"
#include "agent/pipeline/table_locks.h"
#include "backup/v1/manifest.pb.h"
#include "base/cancellation.h"

namespace backup::agent {

// The session that holds the snapshot which all dump processes of a run read (pg_dump --snapshot). What it tells is
// true of exactly that snapshot; and since a snapshot means nothing to another cluster or database, a dump under it
// cannot be of another database than the one looked at.
class SnapshotSession {
 public:
  // Locks, takes the snapshot (table_locks.h), looks, exports. Sizes of tables are looked up `with_sizes`.
  static absl::StatusOr<SnapshotSession> Open(const Conninfo& conninfo, const LockOptions& options, bool with_sizes,
                                              Cancellation* cancellation);

  // Lets the snapshot go, once all dump processes have read; the facts stay.
  void Close() { session_.reset(); }

  const DatabaseFacts& facts() const { return facts_; }
  const std::vector<ExpectedTable>& expected_tables() const { return expected_tables_; }
  // What a dump does not hold of the database; an error when the server did not tell.
  const absl::StatusOr<v1::DatabaseProperties>& properties() const { return properties_; }
  // For pg_dump --snapshot.
  const std::string& snapshot() const { return snapshot_; }
  // How many objects the server's lock table has room for (PostgreSQL manual, 20.12, max_locks_per_transaction).
  int64_t lock_table_size() const { return lock_table_size_; }

 private:
  SnapshotSession() = default;
  std::unique_ptr<PgSession> session_;
  DatabaseFacts facts_;
  std::vector<ExpectedTable> expected_tables_;
  absl::StatusOr<v1::DatabaseProperties> properties_;
  std::string snapshot_;
  int64_t lock_table_size_ = 0;
};

}  // namespace backup::agent
