// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/config.h"
#include "agent/pipeline/database_probe.h"
#include "backup/v1/agent.pb.h"
#include "base/cancellation.h"
#include "base/clock.h"
#include "base/loop.h"
#include "base/mutex.h"
#include "base/thread_pool.h"

namespace backup::agent {

// Looks at one database; see ProbeDatabase for what it promises. Safe for concurrent use.
using DatabaseProbe =
    std::function<absl::StatusOr<DatabaseFacts>(const ConnectionTarget& target, Cancellation& cancellation)>;
// Whether a database of which this was seen can be backed up here, as far as that can be known without trying: a
// pg_dump that is not older than its server. Safe for concurrent use.
using DumpabilityCheck = std::function<absl::Status(const DatabaseFacts& facts)>;

// Keeps what the agent last saw of its databases: at the start and then every few minutes, several at a time, so that
// one that cannot be reached delays neither the others nor whoever asks.
//
// Thread-safe.
class DatabaseWatch {
 public:
  struct Options {
    std::string agent_id;
    std::vector<DatabaseConfig> databases;
    // From one look at all to the next. Default: 5 minutes.
    absl::Duration interval = absl::Minutes(5);
    // Databases looked at at the same time. Default: 8.
    int thread_count = 8;
  };

  // `on_change` is called, on any thread and outside of locks, when a look found something new but a size.
  DatabaseWatch(Options options, DatabaseProbe probe, DumpabilityCheck check, Clock& clock,
                std::function<void()> on_change);
  ~DatabaseWatch();

  void Start();
  // Cancels the looks under way. Idempotent.
  void Stop();

  // All databases of the agent's file, in its order; those not looked at yet with name and labels only.
  std::vector<v1::Database> Databases() const;

 private:
  // Hands out a look at every database that nobody looks at now.
  void LookAtAll();
  void LookAt(const DatabaseConfig& config);

  // Constant after construction.
  const Options options_;
  const DatabaseProbe probe_;
  const DumpabilityCheck check_;
  Clock& clock_;
  const std::function<void()> on_change_;

  Cancellation stop_;

  struct Entry {
    v1::Database database;
    bool busy = false;
  };
  mutable Mutex mu_;
  std::map<std::string, Entry> entries_ ABSL_GUARDED_BY(mu_);  // By id.

  ThreadPool pool_;
  Loop loop_;
};

}  // namespace backup::agent
