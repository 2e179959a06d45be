// SPDX-License-Identifier: Apache-2.0
#include "agent/database_watch.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/proto_json.h"
#include "base/resource_name.h"
#include "base/text.h"

namespace backup::agent {
namespace {

v1::Database Unseen(const std::string& agent_id, const DatabaseConfig& config) {
  v1::Database database;
  database.set_name(MakeDatabaseName(agent_id, config.id));
  database.set_display_name(CleanText(config.database_name));
  database.mutable_labels()->insert(config.labels.begin(), config.labels.end());
  return database;
}

void CopyFacts(const DatabaseFacts& facts, v1::Database& database) {
  database.set_display_name(CleanText(facts.identity.name()));
  database.set_size_bytes(facts.identity.size_bytes());
  database.set_server_version(facts.identity.server_version());
  database.set_system_identifier(facts.identity.system_identifier());
  database.set_oid(facts.identity.oid());
  database.set_table_count(facts.table_count);
}

// Whether `after` says something that should not wait for the next Sync.
bool IsNews(v1::Database before, v1::Database after) {
  for (v1::Database* database : {&before, &after}) {
    database->clear_update_time();
    database->clear_size_bytes();
  }
  return before.SerializeAsString() != after.SerializeAsString();
}

}  // namespace

DatabaseWatch::DatabaseWatch(Options options, DatabaseProbe probe, DumpabilityCheck check, Clock& clock,
                             std::function<void()> on_change)
    : options_(std::move(options)),
      probe_(std::move(probe)),
      check_(std::move(check)),
      clock_(clock),
      on_change_(std::move(on_change)),
      pool_("db-watch", std::clamp(static_cast<int>(options_.databases.size()), 1, options_.thread_count),
            options_.databases.size() + 1),
      loop_("db-watch", [this] {
        LookAtAll();
        return options_.interval;
      }) {
  MutexLock lock(mu_);
  for (const DatabaseConfig& database : options_.databases) {
    entries_[database.id].database = Unseen(options_.agent_id, database);
  }
}

DatabaseWatch::~DatabaseWatch() { Stop(); }

void DatabaseWatch::Start() { loop_.Start(); }

void DatabaseWatch::Stop() {
  stop_.Cancel("the agent was stopped");
  loop_.Stop();
  pool_.Shutdown();
}

std::vector<v1::Database> DatabaseWatch::Databases() const {
  MutexLock lock(mu_);
  std::vector<v1::Database> databases;
  for (const DatabaseConfig& config : options_.databases) {
    databases.push_back(entries_.at(config.id).database);
  }
  return databases;
}

void DatabaseWatch::LookAtAll() {
  for (const DatabaseConfig& database : options_.databases) {
    {
      MutexLock lock(mu_);
      bool& busy = entries_.at(database.id).busy;
      if (busy) {
        continue;
      }
      busy = true;
    }
    if (!pool_.TryAdd([this, &database] { LookAt(database); })) {
      MutexLock lock(mu_);
      entries_.at(database.id).busy = false;
    }
  }
}

void DatabaseWatch::LookAt(const DatabaseConfig& config) {
  const absl::StatusOr<DatabaseFacts> facts = stop_.cancelled() ? absl::CancelledError() : probe_(config.target, stop_);
  const absl::Status problem = facts.ok() ? check_(*facts) : facts.status();
  bool news = false;
  {
    MutexLock lock(mu_);
    Entry& entry = entries_.at(config.id);
    entry.busy = false;
    if (stop_.cancelled()) {
      return;
    }
    v1::Database after = entry.database;
    if (facts.ok()) {
      CopyFacts(*facts, after);
    }  // Otherwise what was seen before stays: it is old, not wrong.
    after.set_problem(std::string(problem.message()));
    *after.mutable_update_time() = ToProto(clock_.Now());
    news = IsNews(entry.database, after);
    entry.database = std::move(after);
  }
  if (news) {
    if (!problem.ok()) {
      LogWarning("a database has a problem", {{"database", config.id}, {"error", problem}});
    }
    on_change_();
  }
}

}  // namespace backup::agent
