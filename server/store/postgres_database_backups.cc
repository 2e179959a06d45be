// SPDX-License-Identifier: Apache-2.0
#include <optional>
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
#include "server/store/policy_rows.h"
#include "server/store/postgres_rep.h"
#include "server/store/row_reader.h"
#include "server/store/run_rows.h"
#include "server/store/write_rules.h"

namespace backup::server {
namespace {

enum class Locking { kNone, kForUpdate };

std::optional<v1::Agent> ReadAgentOf(pqxx::transaction_base& transaction, absl::string_view database) {
  std::vector<v1::Agent> agents =
      DecodeRows(Exec(transaction, absl::StrCat("SELECT ", kAgentColumns, " FROM agents WHERE name = $1"),
                      SqlParams().Text(AgentOfDatabase(database))),
                 &DecodeAgent);
  return agents.empty() ? std::nullopt : std::optional<v1::Agent>(std::move(agents[0]));
}

void ReadPolicies(pqxx::transaction_base& transaction, absl::Time now, DatabaseBackupsView* view) {
  std::vector<std::string> names;
  for (const v1::Backup& backup : view->backups) {
    if (!backup.policy().empty() && view->policies.try_emplace(backup.policy()).second) {
      names.push_back(backup.policy());
    }
  }
  view->policies.clear();
  if (names.empty()) return;
  for (v1::Policy& policy :
       DecodeRows(Exec(transaction, absl::StrCat(kSelectPolicies, " WHERE p.name = ANY($1::text[])"),
                       SqlParams().TextArray(names)),
                  &DecodePolicy)) {
    const std::string name = policy.name();
    view->policies[name] = std::move(policy);
  }
  const pqxx::result runs =
      Exec(transaction,
           absl::StrCat("SELECT r.* FROM unnest($1::text[]) p(name) CROSS JOIN LATERAL (SELECT ", kRunColumns,
                        " FROM runs WHERE database = $2 AND policy = p.name AND kind = 'BACKUP' "
                        "AND state IN ('SUCCEEDED', 'FAILED', 'LOST', 'MISSED') AND slot_time <= $3 "
                        "ORDER BY slot_time DESC, sequence DESC LIMIT 1) r"),
           SqlParams().TextArray(names).Text(view->database.name()).Time(now));
  for (v1::Run& run : DecodeRows(runs, &DecodeRun)) {
    const std::string policy = run.policy();
    view->last_runs[policy] = std::move(run);
  }
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
            absl::StrCat("SELECT ", kBackupColumns, " FROM backups WHERE database = $1 AND state <> 'DELETED' ",
                         "ORDER BY sequence", locking == Locking::kForUpdate ? " FOR UPDATE" : ""),
            SqlParams().Text(database))) {
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
