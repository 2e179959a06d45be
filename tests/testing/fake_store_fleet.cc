// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iterator>
#include <set>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/proto_json.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "server/domain/deletion.h"
#include "server/store/page_token.h"
#include "server/store/storable.h"
#include "server/store/write_rules.h"
#include "tests/testing/fake_store.h"

namespace backup::testing {

using server::CheckStorable;
using server::Page;
using server::PageRequest;

namespace {

v1::Backup WithoutManifest(v1::Backup backup) {
  backup.clear_manifest();
  return backup;
}

}  // namespace

void FakeStore::PutAgent(const v1::Agent& agent, const std::vector<v1::Database>& databases) {
  MutexLock lock(mu_);
  agents_[agent.name()] = {agent, 0};
  for (const v1::Database& database : databases) databases_[database.name()] = {database, false};
}

void FakeStore::PutBackup(const v1::Backup& backup) {
  MutexLock lock(mu_);
  StoreBackup(backup);
}

void FakeStore::StoreBackup(v1::Backup backup) {
  server::RoundTimes(&backup);
  if (const v1::Backup* stored = FindBackup(backup.name())) {
    server::KeepIdentity(*stored, &backup);
    backup.clear_hold();
    if (stored->has_hold()) *backup.mutable_hold() = stored->hold();
  } else {
    backup.set_sequence(++last_sequence_);
    backup_sequences_[backup.name()] = backup.sequence();
  }
  backups_[backup.sequence()] = std::move(backup);
}

const v1::Backup* FakeStore::FindBackup(absl::string_view name) const {
  const auto it = backup_sequences_.find(std::string(name));
  return it == backup_sequences_.end() ? nullptr : &backups_.at(it->second);
}

const v1::Backup* FakeStore::LastGood(const std::string& database) const {
  const auto it = std::find_if(backups_.rbegin(), backups_.rend(), [&database](const auto& entry) {
    return entry.second.database() == database && entry.second.state() == v1::GOOD;
  });
  return it == backups_.rend() ? nullptr : &it->second;
}

absl::StatusOr<v1::Backup> FakeStore::GetBackup(absl::string_view name) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  const v1::Backup* backup = FindBackup(name);
  if (backup == nullptr) return BackupNotFound(name);
  return *backup;
}

absl::StatusOr<v1::Backup> FakeStore::SetBackupHold(absl::string_view name, const std::optional<v1::BackupHold>& hold,
                                                    absl::Span<const v1::Event> events) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  const v1::Backup* found = FindBackup(name);
  if (found == nullptr) return BackupNotFound(name);
  if (hold.has_value()) RETURN_IF_ERROR(server::CheckStorable(*hold));
  RETURN_IF_ERROR(server::CheckStorable(events));
  if (hold.has_value()) RETURN_IF_ERROR(server::CheckNotDeleted(*found));
  v1::Backup& backup = backups_[found->sequence()];
  backup.clear_hold();
  if (hold.has_value()) *backup.mutable_hold() = *hold;
  StoreEvents(events);
  RETURN_IF_ERROR(Leave());
  v1::Backup answer = backup;
  answer.clear_manifest();
  return answer;
}

absl::StatusOr<Page<v1::Backup>> FakeStore::ListBackups(const v1::BackupFilter& filter, const PageRequest& page) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  RETURN_IF_ERROR(server::CheckPageSize(page));
  if (!CheckStorable(filter).ok()) return Page<v1::Backup>();
  const std::string scope = server::PageScope("backups", filter);
  ASSIGN_OR_RETURN(const int64_t before, server::ParseSequencePageToken(scope, page.token));
  Page<v1::Backup> result;
  for (auto it = std::make_reverse_iterator(backups_.lower_bound(before)); it != backups_.rend(); ++it) {
    const v1::Backup& backup = it->second;
    if (!filter.policy().empty() && filter.policy() != backup.policy()) continue;
    if (!filter.agent().empty() && filter.agent() != server::AgentOfDatabase(backup.database())) continue;
    if (!filter.database().empty() && filter.database() != backup.database()) continue;
    const auto& states = filter.states();
    if (states.empty() ? backup.state() == v1::DELETED
                       : std::find(states.begin(), states.end(), backup.state()) == states.end()) {
      continue;
    }
    if (static_cast<int>(result.items.size()) == page.size) {
      result.next_token = server::MakeSequencePageToken(scope, result.items.back().sequence());
      break;
    }
    result.items.push_back(WithoutManifest(backup));
  }
  return result;
}

absl::StatusOr<v1::Agent> FakeStore::GetAgent(absl::string_view name) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  const auto it = agents_.find(std::string(name));
  if (it == agents_.end()) return AgentNotFound(name);
  return it->second.agent;
}

absl::StatusOr<Page<v1::Agent>> FakeStore::ListAgents(const PageRequest& page) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  RETURN_IF_ERROR(server::CheckPageSize(page));
  ASSIGN_OR_RETURN(const std::string after, server::ParsePageToken("agents", page.token));
  Page<v1::Agent> result;
  for (auto it = agents_.upper_bound(after); it != agents_.end(); ++it) {
    if (static_cast<int>(result.items.size()) == page.size) {
      result.next_token = server::MakePageToken("agents", result.items.back().name());
      break;
    }
    result.items.push_back(it->second.agent);
  }
  return result;
}

const FakeStore::DatabaseRow* FakeStore::FindDatabase(absl::string_view name) const {
  const auto it = databases_.find(std::string(name));
  return it == databases_.end() ? nullptr : &it->second;
}

v1::Database FakeStore::FilledDatabase(const v1::Database& database) const {
  v1::Database filled = database;
  if (const v1::Backup* good = LastGood(database.name())) {
    filled.set_last_good_backup(good->name());
    if (good->has_snapshot_time()) *filled.mutable_last_good_time() = good->snapshot_time();
  }
  for (const auto& [sequence, run] : runs_) {
    if (run.database() != database.name() || run.kind() != v1::BACKUP || run.state() != v1::SCHEDULED ||
        IsPaused(run.policy())) {
      continue;
    }
    if (!filled.has_next_slot_time() || ToAbsl(run.slot_time()) < ToAbsl(filled.next_slot_time())) {
      *filled.mutable_next_slot_time() = run.slot_time();
    }
  }
  return filled;
}

absl::StatusOr<v1::Database> FakeStore::GetDatabase(absl::string_view name) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  const DatabaseRow* row = FindDatabase(name);
  if (row == nullptr || row->gone) return DatabaseNotFound(name);
  return FilledDatabase(row->database);
}

absl::StatusOr<Page<v1::Database>> FakeStore::ListDatabases(absl::string_view agent, const PageRequest& page) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  RETURN_IF_ERROR(server::CheckPageSize(page));
  const std::string scope = absl::StrCat("databases:", agent);
  ASSIGN_OR_RETURN(const std::string after, server::ParsePageToken(scope, page.token));
  Page<v1::Database> result;
  for (auto it = databases_.upper_bound(after); it != databases_.end(); ++it) {
    if (it->second.gone || (!agent.empty() && server::AgentOfDatabase(it->first) != std::string(agent))) continue;
    if (static_cast<int>(result.items.size()) == page.size) {
      result.next_token = server::MakePageToken(scope, result.items.back().name());
      break;
    }
    result.items.push_back(FilledDatabase(it->second.database));
  }
  return result;
}

absl::StatusOr<server::RecordedReport> FakeStore::RecordAgentReport(const server::AgentReport& report) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  RETURN_IF_ERROR(server::CheckAgentReport(report));
  const auto it = agents_.find(report.agent.name());
  if (it == agents_.end()) return AgentNotFound(report.agent.name());
  AgentRow& row = it->second;
  if (row.agent.boot_id() == report.agent.boot_id() && report.sequence < row.report_sequence) {
    return server::RecordedReport();
  }
  server::RecordedReport recorded;
  recorded.recorded = true;
  server::KeepEnrollment(report.agent, &row.agent);
  row.report_sequence = report.sequence;
  bool& changed = recorded.databases_changed;
  std::set<std::string> reported;
  for (const v1::Database& database : report.databases) {
    reported.insert(database.name());
    const DatabaseRow* known = FindDatabase(database.name());
    changed |= known == nullptr || known->gone || !server::SameLabels(known->database, database);
    databases_[database.name()] = {server::ReportedDatabase(database), false};
  }
  for (auto& [name, known] : databases_) {
    if (known.gone || server::AgentOfDatabase(name) != report.agent.name() || reported.contains(name)) continue;
    known.gone = true;
    changed = true;
  }
  RETURN_IF_ERROR(Leave());
  return recorded;
}

absl::Status FakeStore::PutEnrollmentToken(absl::string_view token_sha256, absl::string_view agent,
                                           absl::Time expire_time, absl::Span<const v1::Event> events) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  RETURN_IF_ERROR(server::CheckEnrollmentToken(token_sha256, agent));
  RETURN_IF_ERROR(CheckStorable(events));
  if (!tokens_.try_emplace(std::string(token_sha256), TokenRow{std::string(agent), expire_time}).second) return Leave();
  StoreEvents(events);
  return Leave();
}

absl::StatusOr<std::string> FakeStore::FindEnrollmentToken(absl::string_view token_sha256, absl::Time now) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  const auto it = tokens_.find(std::string(token_sha256));
  if (it == tokens_.end() || it->second.used || it->second.expire_time <= now) return EnrollmentTokenInvalid();
  return it->second.agent;
}

absl::Status FakeStore::UseEnrollmentToken(absl::string_view token_sha256, absl::Time now, const v1::Agent& agent,
                                           absl::Span<const v1::Event> events) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  RETURN_IF_ERROR(CheckStorable(agent));
  RETURN_IF_ERROR(CheckStorable(events));
  const auto it = tokens_.find(std::string(token_sha256));
  if (it == tokens_.end() || it->second.used || it->second.expire_time <= now || it->second.agent != agent.name()) {
    return EnrollmentTokenInvalid();
  }
  it->second.used = true;
  AgentRow& row = agents_[agent.name()];
  row.agent.set_name(agent.name());
  server::TakeEnrollment(agent, &row.agent);
  StoreEvents(events);
  return Leave();
}

}  // namespace backup::testing
