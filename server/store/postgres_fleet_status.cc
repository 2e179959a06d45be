// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/proto_json.h"
#include "server/store/agent_rows.h"
#include "server/store/backup_rows.h"
#include "server/store/list_query.h"
#include "server/store/postgres_rep.h"
#include "server/store/run_rows.h"
#include "server/store/storable.h"

namespace backup::server {
namespace {

constexpr int kMaxDatabases = 1000;
constexpr int kMaxAgents = 1000;
constexpr int kMaxActiveRuns = 100;

absl::Time FloorHour(absl::Time time) {
  return absl::FromCivil(absl::ToCivilHour(time, absl::UTCTimeZone()), absl::UTCTimeZone());
}

std::string SelectedDatabases() {
  return absl::StrCat("(SELECT name FROM databases WHERE NOT gone ORDER BY name LIMIT ", kMaxDatabases, ") d");
}

void ReadDatabases(pqxx::transaction_base& transaction, absl::Time now, v1::FleetStatus* status) {
  std::map<std::string, v1::DatabaseStatus*> lines;
  for (v1::Database& database : DecodeRows(
           Exec(transaction, absl::StrCat(kSelectDatabases, " WHERE NOT d.gone ORDER BY d.name LIMIT ", kMaxDatabases)),
           &DecodeDatabase)) {
    v1::DatabaseStatus* line = status->add_databases();
    lines[database.name()] = line;
    *line->mutable_database() = std::move(database);
  }
  // The same databases again, each with its one newest row: by index, whatever the size of the tables.
  for (v1::Backup& backup :
       DecodeRows(Exec(transaction, absl::StrCat("SELECT b.* FROM ", SelectedDatabases(),
                                                 " CROSS JOIN LATERAL (SELECT ", kBackupColumns,
                                                 " FROM backups WHERE database = d.name AND state = 'GOOD' "
                                                 "ORDER BY sequence DESC LIMIT 1) b")),
                  &DecodeBackup)) {
    const auto line = lines.find(backup.database());
    if (line != lines.end()) *line->second->mutable_last_good() = std::move(backup);
  }
  for (v1::Run& run : DecodeRows(
           Exec(transaction,
                // What they were to do takes as long to read as the rest of them.
                absl::StrCat(
                    "SELECT r.* FROM ", SelectedDatabases(), " CROSS JOIN LATERAL (SELECT ",
                    absl::StrReplaceAll(kRunColumns, {{"create_time, data", "create_time, data - 'spec' AS data"}}),
                    " FROM runs WHERE database = d.name AND kind = 'BACKUP' "
                    "AND state <> 'SCHEDULED' AND slot_time <= $1 "
                    "ORDER BY slot_time DESC, sequence DESC LIMIT 1) r"),
                SqlParams().Time(now)),
           &DecodeRun)) {
    const auto line = lines.find(run.database());
    if (line != lines.end()) *line->second->mutable_last_run() = std::move(run);
  }
}

void ReadCounts(pqxx::transaction_base& transaction, absl::Time now, v1::FleetStatus* status) {
  const pqxx::row totals =
      Exec(transaction,
           "SELECT coalesce(sum(good_count), 0)::bigint AS good, coalesce(sum(size_bytes), 0)::bigint AS size "
           "FROM backup_totals")[0];
  status->set_good_backup_count(totals["good"].as<int64_t>());
  status->set_total_size_bytes(totals["size"].as<int64_t>());
  // Whole hours have been counted; the ends of the day are not.
  const absl::Time since = now - absl::Hours(24);
  const absl::Time first_hour = FloorHour(since) + absl::Hours(1);
  const absl::Time last_hour = FloorHour(now);
  const pqxx::row due =
      Exec(transaction,
           "SELECT sum(due)::bigint AS due, sum(succeeded)::bigint AS succeeded FROM ("
           "SELECT coalesce(sum(due_count), 0) AS due, coalesce(sum(succeeded_count), 0) AS succeeded "
           "FROM due_counts WHERE hour >= $2 AND hour < $3 "
           "UNION ALL "
           "SELECT count(*), count(*) FILTER (WHERE state = 'SUCCEEDED') FROM runs "
           "WHERE state <> 'SCHEDULED' AND NOT manual AND slot_time > $1 AND slot_time < $2 "
           "UNION ALL "
           "SELECT count(*), count(*) FILTER (WHERE state = 'SUCCEEDED') FROM runs "
           "WHERE state <> 'SCHEDULED' AND NOT manual AND slot_time >= $3 AND slot_time <= $4) counted",
           SqlParams().Time(since).Time(first_hour).Time(last_hour).Time(now))[0];
  status->set_due_count_24h(due["due"].as<int64_t>());
  status->set_succeeded_count_24h(due["succeeded"].as<int64_t>());
}

}  // namespace

absl::StatusOr<v1::FleetStatus> PostgresStore::ReadFleetStatus(absl::Time now) {
  return rep_->executor.Read([&](pqxx::transaction_base& transaction) -> absl::StatusOr<v1::FleetStatus> {
    v1::FleetStatus status;
    *status.mutable_time() = RoundedTime(ToProto(now));
    ReadDatabases(transaction, now, &status);
    for (v1::Agent& agent : DecodeRows(
             Exec(transaction, absl::StrCat("SELECT ", kAgentColumns, " FROM agents ORDER BY name LIMIT ", kMaxAgents)),
             &DecodeAgent)) {
      *status.add_agents() = std::move(agent);
    }
    for (v1::Run& run : DecodeRows(Exec(transaction, absl::StrCat("SELECT ", kRunColumns,
                                                                  " FROM runs WHERE state = 'RUNNING' "
                                                                  "ORDER BY sequence DESC LIMIT ",
                                                                  kMaxActiveRuns)),
                                   &DecodeRun)) {
      *status.add_active_runs() = std::move(run);
    }
    ReadCounts(transaction, now, &status);
    return status;
  });
}

}  // namespace backup::server
