// SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "server/store/agent_rows.h"
#include "server/store/backup_rows.h"
#include "server/store/event_rows.h"
#include "server/store/failing_policies.h"
#include "server/store/policy_rows.h"
#include "server/store/postgres_rep.h"
#include "server/store/row_reader.h"
#include "server/store/run_rows.h"
#include "server/store/write_rules.h"

namespace backup::server {
namespace {

// Named one by one, so that the index of lists serves: there may be far more deleted ones.
std::vector<std::string> StatesButDeleted() {
  std::vector<std::string> names;
  for (int state = v1::BackupState_MIN + 1; state <= v1::BackupState_MAX; ++state) {
    if (state != v1::DELETED) names.push_back(v1::BackupState_Name(state));
  }
  return names;
}

enum class Locking { kNone, kForUpdate };

std::optional<v1::Agent> ReadAgentOf(pqxx::transaction_base& transaction, absl::string_view database) {
  std::vector<v1::Agent> agents =
      DecodeRows(Exec(transaction, absl::StrCat("SELECT ", kAgentColumns, " FROM agents WHERE name = $1"),
                      SqlParams().Text(AgentOfDatabase(database))),
                 &DecodeAgent);
  return agents.empty() ? std::nullopt : std::optional<v1::Agent>(std::move(agents[0]));
}

void ReadPolicies(pqxx::transaction_base& transaction, absl::Time now, DatabaseBackupsView* view) {
  std::set<std::string> names;
  for (const v1::Backup& backup : view->backups) {
    if (!backup.policy().empty()) names.insert(backup.policy());
  }
  if (names.empty()) return;
  for (v1::Policy& policy :
       DecodeRows(Exec(transaction, absl::StrCat(kSelectPolicyRules, " WHERE p.name = ANY($1::text[])"),
                       SqlParams().TextArray(std::vector<std::string>(names.begin(), names.end()))),
                  &DecodePolicy)) {
    const std::string name = policy.name();
    view->policies[name] = std::move(policy);
  }
  std::set<DatabasePolicy> pairs;
  for (const std::string& name : names) pairs.emplace(view->database.name(), name);
  for (const auto& [database, policy] : ReadFailing(transaction, pairs, now)) view->failing_policies.insert(policy);
}

absl::StatusOr<DatabaseBackupsView> ReadView(pqxx::transaction_base& transaction, absl::string_view database,
                                             absl::Time now, Locking locking) {
  DatabaseBackupsView view;
  const pqxx::result rows = Exec(transaction, absl::StrCat(kSelectDatabases, " WHERE d.name = $1 AND NOT d.gone"),
                                 SqlParams().Text(database));
  if (rows.empty()) return DatabaseNotFound(database);
  ASSIGN_OR_RETURN(view.database, DecodeDatabase(rows[0]));
  view.agent = ReadAgentOf(transaction, database);
  // All or nothing: a row that cannot be read must not make the others look like all there are.
  for (const pqxx::row& row :
       Exec(transaction,
            absl::StrCat("SELECT ", kBackupColumns, " FROM backups WHERE database = $1 AND state = ANY($2::text[]) ",
                         "ORDER BY sequence", locking == Locking::kForUpdate ? " FOR UPDATE" : ""),
            SqlParams().Text(database).TextArray(StatesButDeleted()))) {
    ASSIGN_OR_RETURN(v1::Backup backup, DecodeBackup(row));
    view.backups.push_back(std::move(backup));
  }
  for (const pqxx::row& row :
       Exec(transaction,
            absl::StrCat("SELECT ", kRunColumns, " FROM runs WHERE database = $1 AND state IN ('PENDING', 'RUNNING') ",
                         "AND kind IN ('VERIFY', 'RESTORE', 'DRILL', 'DELETE') ORDER BY sequence"),
            SqlParams().Text(database))) {
    ASSIGN_OR_RETURN(v1::Run run, DecodeRun(row));
    view.open_runs.push_back(std::move(run));
  }
  ReadPolicies(transaction, now, &view);
  return view;
}

}  // namespace

absl::StatusOr<DatabaseBackupsView> PostgresStore::ReadDatabaseBackups(absl::string_view database, absl::Time now) {
  if (!ParseDatabaseName(database).ok()) return DatabaseNotFound(database);
  return rep_->executor.Read(
      [&](pqxx::transaction_base& transaction) { return ReadView(transaction, database, now, Locking::kNone); });
}

absl::StatusOr<DatabaseBackupsChange> PostgresStore::ChangeDatabaseBackups(absl::string_view database, absl::Time now,
                                                                           const DatabaseBackupsDecision& decide) {
  if (!ParseDatabaseName(database).ok()) return DatabaseNotFound(database);
  return rep_->executor.Write([&](pqxx::transaction_base& transaction) -> absl::StatusOr<DatabaseBackupsChange> {
    ASSIGN_OR_RETURN(const DatabaseBackupsView view, ReadView(transaction, database, now, Locking::kForUpdate));
    ASSIGN_OR_RETURN(DatabaseBackupsChange change, decide(view));
    RETURN_IF_ERROR(CheckDatabaseBackupsChange(database, change));
    for (const v1::Backup& backup : change.backups) PutBackup(transaction, backup);
    for (v1::Run& run : change.create_runs) {
      run.set_manual(true);
      CompleteNewRun(now, &run);
    }
    InsertRuns(transaction, change.create_runs);
    InsertEvents(transaction, change.events);
    return change;
  });
}

}  // namespace backup::server
