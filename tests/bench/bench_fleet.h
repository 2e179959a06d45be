// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "backup/v1/agent.pb.h"
#include "backup/v1/backup.pb.h"
#include "backup/v1/policy.pb.h"
#include "backup/v1/run.pb.h"

namespace backup::bench {

// How large a made-up catalog is to be.
struct CatalogSize {
  // Default: 10,000.
  int agent_count = 10000;
  // Rows of backups, those included whose files are gone. Default: 1,000,000.
  int64_t backup_count = 1000000;
  // Rows of runs, those included that the scheduler will plan. Default: 3,000,000.
  int64_t run_count = 3000000;
};

// One database with the policies that cover it.
struct BenchDatabase {
  std::string name;
  std::string agent;
  std::string group;    // Value of its label "group": the policy of this id covers it.
  bool hourly = false;  // Policy hourly covers it too.
};

// One run as history holds it.
struct BenchRun {
  const BenchDatabase* database = nullptr;
  std::string policy;  // Resource name; "" by hand without one.
  absl::Time slot;
  v1::RunKind kind = v1::BACKUP;
  v1::RunState state = v1::SUCCEEDED;
  bool manual = false;
  uint64_t id = 0;          // Unlike every other run's, and the same at every making.
  bool in_backups = false;  // It made a backup of which the catalog still has the row.
};

// A fleet and its past, made up by arithmetic alone: the same for the same size, on every machine. Most databases are
// backed up each night, one agent in fifty is away, one run in thirty did not succeed; and there is what makes lists
// slow: an agent with fifty databases backed up hourly, a policy with a handful of runs, states and kinds of which
// there are a few among millions, and policy "all-hourly", which since yesterday covers every database once an hour.
class BenchFleet {
 public:
  // The time up to which there is history: 2026-11-23T12:00:00Z.
  static absl::Time Now();

  explicit BenchFleet(const CatalogSize& size);

  const CatalogSize& size() const { return size_; }
  const std::vector<v1::Agent>& agents() const { return agents_; }
  const std::vector<v1::Policy>& policies() const { return policies_; }
  const std::vector<BenchDatabase>& databases() const { return databases_; }

  // Every run of the past, the oldest slot first; none that is still to come.
  void ForEachRun(const std::function<void(const BenchRun&)>& visit) const;

 private:
  void VisitHour(int64_t hour, const std::function<void(const BenchRun&)>& visit) const;
  void CountDays();

  const CatalogSize size_;
  std::vector<v1::Agent> agents_;
  std::vector<v1::Policy> policies_;
  std::vector<BenchDatabase> databases_;
  int64_t first_hour_ = 0;         // Before Now; history begins there.
  int64_t first_backup_hour_ = 0;  // Older backups have no row any more.
};

// Evenly spread, the same for the same values.
uint64_t Mix(uint64_t a, uint64_t b);
// Ten characters, as NewId makes them.
std::string IdText(uint64_t id);

}  // namespace backup::bench
