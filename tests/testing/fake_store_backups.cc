// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "base/errors.h"
#include "base/status_macros.h"
#include "server/store/write_rules.h"
#include "tests/testing/fake_store.h"

namespace backup::testing {
namespace {

bool WorksOnBackup(const v1::Run& run) {
  return (run.state() == v1::PENDING || run.state() == v1::RUNNING) && run.kind() != v1::BACKUP;
}

}  // namespace

absl::StatusOr<server::DatabaseBackupsView> FakeStore::ViewBackups(absl::string_view database, absl::Time now) const {
  const DatabaseRow* row = FindDatabase(database);
  if (row == nullptr || row->gone) return DatabaseNotFound(database);
  server::DatabaseBackupsView view;
  view.database = FilledDatabase(row->database);
  if (const auto agent = agents_.find(server::AgentOfDatabase(database)); agent != agents_.end()) {
    view.agent = agent->second.agent;
  }
  std::set<std::string> policies;
  for (const auto& [sequence, backup] : backups_) {
    if (absl::string_view(backup.database()) != database || backup.state() == v1::DELETED) continue;
    view.backups.push_back(backup);
    view.backups.back().clear_manifest();
    policies.insert(backup.policy());
  }
  for (const std::string& name : policies) {
    if (const auto it = policies_.find(name); it != policies_.end()) view.policies[name] = FilledPolicy(it->second);
  }
  for (const auto& [sequence, run] : runs_) {
    if (absl::string_view(run.database()) != database) continue;
    if (WorksOnBackup(run)) view.open_runs.push_back(run);
  }
  for (const std::string& policy : policies) {
    if (!policy.empty() && LastRunFailed(view.database.name(), policy, now)) view.failing_policies.insert(policy);
  }
  return view;
}

absl::StatusOr<server::DatabaseBackupsView> FakeStore::ReadDatabaseBackups(absl::string_view database, absl::Time now) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  return ViewBackups(database, now);
}

absl::StatusOr<server::DatabaseBackupsChange> FakeStore::ChangeDatabaseBackups(
    absl::string_view database, absl::Time now, const server::DatabaseBackupsDecision& decide) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(Enter());
  ASSIGN_OR_RETURN(const server::DatabaseBackupsView view, ViewBackups(database, now));
  if (repeat_decisions_) decide(view).status().IgnoreError();
  ASSIGN_OR_RETURN(server::DatabaseBackupsChange change, decide(view));
  RETURN_IF_ERROR(server::CheckDatabaseBackupsChange(database, change));
  for (const v1::Backup& backup : change.backups) StoreBackup(backup);
  for (v1::Run& run : change.create_runs) {
    run.set_manual(true);
    run.clear_sequence();
    server::CompleteNewRun(now, &run);
    InsertRun(run);
  }
  StoreEvents(change.events);
  RETURN_IF_ERROR(Leave());
  return change;
}

}  // namespace backup::testing
