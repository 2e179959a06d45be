// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "base/proto_json.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "server/store/page_token.h"
#include "server/store/write_rules.h"
#include "tests/testing/fake_store.h"

namespace backup::testing {
namespace {

constexpr int kMaxActiveRuns = 100;

}  // namespace

v1::DatabaseStatus FakeStore::DatabaseLine(const v1::Database& database, absl::Time now) const {
  v1::DatabaseStatus line;
  *line.mutable_database() = FilledDatabase(database);
  if (const v1::Backup* good = LastGood(database.name())) {
    *line.mutable_last_good() = *good;
    line.mutable_last_good()->clear_manifest();
  }
  for (const auto& [sequence, run] : runs_) {
    if (run.database() != database.name() || run.kind() != v1::BACKUP || run.state() == v1::SCHEDULED) continue;
    if (ToAbsl(run.slot_time()) > now) continue;  // Cancelled before its time, for instance.
    if (!line.has_last_run() || ToAbsl(run.slot_time()) >= ToAbsl(line.last_run().slot_time())) {
      *line.mutable_last_run() = run;
      line.mutable_last_run()->clear_spec();
    }
  }
  for (const auto& [sequence, backup] : backups_) {
    if (backup.database() != database.name()) continue;
    if (backup.state() == v1::BAD) {
      line.set_bad_backup_count(line.bad_backup_count() + 1);
      line.set_newest_bad_backup(backup.name());
    }
    if (backup.state() != v1::DELETING) continue;
    const std::string& delete_run = backup.delete_run();
    const bool is_worked_on = std::any_of(runs_.begin(), runs_.end(), [&](const auto& row) {
      const v1::Run& run = row.second;
      return run.name() == delete_run && (run.state() == v1::PENDING || run.state() == v1::RUNNING);
    });
    if (is_worked_on) continue;
    line.set_undeleted_backup_count(line.undeleted_backup_count() + 1);
    line.set_failed_delete_run(delete_run);
  }
  return line;
}

absl::StatusOr<v1::FleetStatus> FakeStore::ReadFleetStatus(absl::Time now, absl::Span<const std::string> worst) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  v1::FleetStatus status;
  *status.mutable_time() = server::RoundedTime(ToProto(now));
  std::set<std::string> names(worst.begin(), worst.end());
  std::erase_if(names,
                [&](const std::string& name) { return FindDatabase(name) == nullptr || FindDatabase(name)->gone; });
  for (const auto& [name, row] : databases_) {
    if (row.gone) continue;
    status.set_database_count(status.database_count() + 1);
    if (names.size() < server::kMaxStatusRows) names.insert(name);
  }
  std::set<std::string> agents;
  for (const std::string& name : names) {
    *status.add_databases() = DatabaseLine(databases_.at(name).database, now);
    agents.insert(server::AgentOfDatabase(name));
  }
  std::set<std::tuple<absl::Time, std::string>> silent;
  for (const auto& [name, row] : agents_) {
    silent.emplace(row.agent.has_last_seen_time() ? ToAbsl(row.agent.last_seen_time()) : absl::InfinitePast(), name);
  }
  for (const auto& [time, name] : silent) {
    if (agents.size() < server::kMaxStatusRows) agents.insert(name);
  }
  for (const std::string& name : agents) *status.add_agents() = agents_.at(name).agent;
  status.set_agent_count(static_cast<int64_t>(agents_.size()));
  std::for_each(runs_.rbegin(), runs_.rend(), [&](const auto& row) {  // The newest first.
    const v1::Run& run = row.second;
    if (run.state() == v1::RUNNING && status.active_runs_size() < kMaxActiveRuns) *status.add_active_runs() = run;
    const absl::Time slot = ToAbsl(run.slot_time());
    if (run.state() == v1::SCHEDULED || run.manual() || slot > now || slot <= now - absl::Hours(24)) return;
    status.set_due_count_24h(status.due_count_24h() + 1);
    if (run.state() == v1::SUCCEEDED) status.set_succeeded_count_24h(status.succeeded_count_24h() + 1);
  });
  for (const auto& [sequence, backup] : backups_) {
    if (backup.state() == v1::DELETED) continue;
    status.set_total_size_bytes(status.total_size_bytes() + backup.size_bytes());
    if (backup.state() == v1::GOOD) status.set_good_backup_count(status.good_backup_count() + 1);
  }
  return status;
}

absl::StatusOr<server::FleetPart> FakeStore::ReadFleetPart(absl::Time now, const server::PageRequest& page) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  RETURN_IF_ERROR(server::CheckPageSize(page));
  ASSIGN_OR_RETURN(const std::string after, server::ParsePageToken("fleet", page.token));
  server::FleetPart part;
  std::set<std::string> agents;
  for (auto it = databases_.upper_bound(after); it != databases_.end(); ++it) {
    if (it->second.gone) continue;
    v1::FleetStatus& status = part.status;
    if (status.databases_size() == page.size) {
      part.next_token = server::MakePageToken("fleet", status.databases().rbegin()->database().name());
      break;
    }
    *status.add_databases() = DatabaseLine(it->second.database, now);
    agents.insert(server::AgentOfDatabase(it->first));
  }
  for (const std::string& name : agents) *part.status.add_agents() = agents_.at(name).agent;
  return part;
}

}  // namespace backup::testing
