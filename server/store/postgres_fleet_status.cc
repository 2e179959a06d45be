// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/proto_json.h"
#include "base/status_macros.h"
#include "server/store/agent_rows.h"
#include "server/store/backup_rows.h"
#include "server/store/list_query.h"
#include "server/store/postgres_rep.h"
#include "server/store/run_rows.h"
#include "server/store/storable.h"

namespace backup::server {
namespace {

constexpr int kMaxActiveRuns = 100;
constexpr char kPartScope[] = "fleet";

absl::Time FloorHour(absl::Time time) {
  return absl::FromCivil(absl::ToCivilHour(time, absl::UTCTimeZone()), absl::UTCTimeZone());
}

// Databases of a status by name, each with its newest rows.
class DatabaseLines {
 public:
  explicit DatabaseLines(pqxx::transaction_base& transaction) : transaction_(transaction) {}

  // Rows of kSelectDatabases, until there are `most` lines; those that are there already once.
  void Add(const pqxx::result& rows, size_t most) {
    for (v1::Database& database : DecodeRows(rows, &DecodeDatabase)) {
      if (lines_.size() == most) return;
      lines_[database.name()].mutable_database()->Swap(&database);
    }
  }

  // The one newest row of each of them: by index, whatever the size of the tables.
  void ReadNewest(absl::Time now) {
    const std::string of_each = "unnest($1::text[]) AS d(name) CROSS JOIN LATERAL ";
    for (v1::Backup& backup :
         DecodeRows(Exec(transaction_,
                         absl::StrCat("SELECT b.* FROM ", of_each, "(SELECT ", kBackupColumns,
                                      " FROM backups WHERE database = d.name COLLATE \"C\" AND state = 'GOOD' "
                                      "ORDER BY sequence DESC LIMIT 1) b"),
                         SqlParams().TextArray(Names())),
                    &DecodeBackup)) {
      lines_[backup.database()].mutable_last_good()->Swap(&backup);
    }
    for (v1::Run& run : DecodeRows(
             Exec(transaction_,
                  // What they were to do takes as long to read as the rest of them.
                  absl::StrCat(
                      "SELECT r.* FROM ", of_each, "(SELECT ",
                      absl::StrReplaceAll(kRunColumns, {{"create_time, data", "create_time, data - 'spec' AS data"}}),
                      " FROM runs WHERE database = d.name COLLATE \"C\" AND kind = 'BACKUP' "
                      "AND state <> 'SCHEDULED' AND slot_time <= $2 "
                      "ORDER BY slot_time DESC, sequence DESC LIMIT 1) r"),
                  SqlParams().TextArray(Names()).Time(now)),
             &DecodeRun)) {
      lines_[run.database()].mutable_last_run()->Swap(&run);
    }
  }

  // What is not as it should be among their backups.
  void ReadFlaws() {
    // The states are those of the index backups_flawed.
    for (const pqxx::row& row :
         Exec(transaction_,
              "SELECT d.name, count(*) FILTER (WHERE b.state = 'BAD') AS bad, "
              "coalesce((array_agg(b.name ORDER BY b.sequence DESC) FILTER (WHERE b.state = 'BAD'))[1], '') AS "
              "newest_bad, "
              "count(*) FILTER (WHERE b.state = 'DELETING' AND r.name IS NULL) AS undeleted, "
              "coalesce((array_agg(b.data ->> 'deleteRun' ORDER BY b.sequence DESC) "
              "FILTER (WHERE b.state = 'DELETING' AND r.name IS NULL))[1], '') AS failed_run "
              "FROM unnest($1::text[]) AS d(name) "
              "JOIN backups b ON b.database = d.name COLLATE \"C\" AND b.state IN ('BAD', 'DELETING') "
              "LEFT JOIN runs r ON b.state = 'DELETING' AND r.name = (b.data ->> 'deleteRun') COLLATE \"C\" "
              "AND r.state IN ('PENDING', 'RUNNING') GROUP BY d.name",
              SqlParams().TextArray(Names()))) {
      v1::DatabaseStatus& line = lines_[row["name"].c_str()];
      line.set_bad_backup_count(row["bad"].as<int64_t>());
      line.set_newest_bad_backup(row["newest_bad"].c_str());
      line.set_undeleted_backup_count(row["undeleted"].as<int64_t>());
      line.set_failed_delete_run(row["failed_run"].c_str());
    }
  }

  size_t size() const { return lines_.size(); }
  std::string last_name() const { return lines_.empty() ? "" : lines_.rbegin()->first; }

  // Moves the lines there, and adds the agents that own them; with `more_agents` also those that were
  // heard of longest ago, until there are kMaxStatusRows.
  void MoveTo(v1::FleetStatus* status, bool more_agents) {
    std::map<std::string, v1::Agent> agents;
    std::set<std::string> owners;
    for (auto& [name, line] : lines_) {
      owners.insert(AgentOfDatabase(name));
      status->add_databases()->Swap(&line);
    }
    lines_.clear();
    const std::string select = absl::StrCat("SELECT ", kAgentColumns, " FROM agents ");
    AddAgents(Exec(transaction_, select + "WHERE name = ANY($1)",
                   SqlParams().TextArray(std::vector<std::string>(owners.begin(), owners.end()))),
              &agents);
    if (more_agents && agents.size() < kMaxStatusRows) {
      AddAgents(
          Exec(transaction_, absl::StrCat(select, "ORDER BY last_seen_time NULLS FIRST, name LIMIT ", kMaxStatusRows)),
          &agents);
    }
    for (auto& [name, agent] : agents) status->add_agents()->Swap(&agent);
  }

 private:
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& [name, line] : lines_) names.push_back(name);
    return names;
  }

  static void AddAgents(const pqxx::result& rows, std::map<std::string, v1::Agent>* agents) {
    for (v1::Agent& agent : DecodeRows(rows, &DecodeAgent)) {
      if (agents->size() < kMaxStatusRows) (*agents)[agent.name()].Swap(&agent);
    }
  }

  pqxx::transaction_base& transaction_;
  std::map<std::string, v1::DatabaseStatus> lines_;
};

void ReadCounts(pqxx::transaction_base& transaction, absl::Time now, v1::FleetStatus* status) {
  const pqxx::row totals =
      Exec(transaction,
           "SELECT coalesce(sum(good_count), 0)::bigint AS good, coalesce(sum(size_bytes), 0)::bigint AS size "
           "FROM backup_totals")[0];
  status->set_good_backup_count(totals["good"].as<int64_t>());
  status->set_total_size_bytes(totals["size"].as<int64_t>());
  const pqxx::row all = Exec(transaction,
                             "SELECT (SELECT count(*) FROM databases WHERE NOT gone) AS databases, "
                             "(SELECT count(*) FROM agents) AS agents")[0];
  status->set_database_count(all["databases"].as<int64_t>());
  status->set_agent_count(all["agents"].as<int64_t>());
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

absl::StatusOr<v1::FleetStatus> PostgresStore::ReadFleetStatus(absl::Time now, absl::Span<const std::string> worst) {
  return rep_->executor.Read([&](pqxx::transaction_base& transaction) -> absl::StatusOr<v1::FleetStatus> {
    v1::FleetStatus status;
    *status.mutable_time() = RoundedTime(ToProto(now));
    DatabaseLines lines(transaction);
    if (!worst.empty()) {
      lines.Add(Exec(transaction, absl::StrCat(kSelectDatabases, " WHERE NOT d.gone AND d.name = ANY($1)"),
                     SqlParams().TextArray(worst)),
                kMaxStatusRows);
    }
    if (lines.size() < kMaxStatusRows) {
      lines.Add(
          Exec(transaction, absl::StrCat(kSelectDatabases, " WHERE NOT d.gone ORDER BY d.name LIMIT ", kMaxStatusRows)),
          kMaxStatusRows);
    }
    lines.ReadNewest(now);
    lines.ReadFlaws();
    lines.MoveTo(&status, /*more_agents=*/true);
    for (v1::Run& run : DecodeRows(Exec(transaction, absl::StrCat("SELECT ", kRunColumns,
                                                                  " FROM runs WHERE state = 'RUNNING' "
                                                                  "ORDER BY sequence DESC LIMIT ",
                                                                  kMaxActiveRuns)),
                                   &DecodeRun)) {
      status.add_active_runs()->Swap(&run);
    }
    ReadCounts(transaction, now, &status);
    return status;
  });
}

absl::StatusOr<FleetPart> PostgresStore::ReadFleetPart(absl::Time now, const PageRequest& page) {
  RETURN_IF_ERROR(CheckPageSize(page));
  ASSIGN_OR_RETURN(const std::string after, ParsePageToken(kPartScope, page.token));
  return rep_->executor.Read([&](pqxx::transaction_base& transaction) -> absl::StatusOr<FleetPart> {
    const pqxx::result rows =
        Exec(transaction,
             absl::StrCat(kSelectDatabases, " WHERE NOT d.gone AND d.name > $1 ORDER BY d.name LIMIT ", page.size + 1),
             SqlParams().Text(after));
    DatabaseLines lines(transaction);
    lines.Add(rows, page.size);
    lines.ReadNewest(now);
    lines.ReadFlaws();
    FleetPart part;
    if (static_cast<int>(rows.size()) > page.size) {
      // Where a row cannot be read, the one beyond the page has taken its place.
      part.next_token =
          MakePageToken(kPartScope, std::max<std::string>(lines.last_name(), rows[page.size - 1]["name"].c_str()));
    }
    lines.MoveTo(&part.status, /*more_agents=*/false);
    return part;
  });
}

}  // namespace backup::server
