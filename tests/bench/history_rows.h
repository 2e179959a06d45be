// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/bench/bench_fleet.h"
#include "tests/bench/copy_writer.h"

namespace backup::bench {

// Runs as rows of the catalog, with their events, the backups that they made and the manifests of these. Five
// connections at once, so no foreign key may stand between these tables meanwhile; for one thread.
class HistoryRows {
 public:
  static absl::StatusOr<std::unique_ptr<HistoryRows>> Open(const std::string& conninfo, const BenchFleet& fleet);

  // In the order in which their sequence is to rise.
  void Add(const BenchRun& run);
  absl::Status Finish();

 private:
  explicit HistoryRows(const BenchFleet& fleet) : fleet_(fleet) {}
  void AddRun(const BenchRun& run, const std::string& backup_id);
  void AddBackup(const BenchRun& run, const std::string& backup_id);
  void AddEvents(const BenchRun& run);
  void AddLog(const BenchRun& run);

  const BenchFleet& fleet_;
  std::unique_ptr<CopyWriter> runs_, events_, backups_, manifests_, log_lines_;
  int64_t run_sequence_ = 0;
  int64_t backup_sequence_ = 0;
};

}  // namespace backup::bench
