// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/proto_json.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "server/store/list_query.h"
#include "server/store/postgres_rep.h"
#include "server/store/run_rows.h"
#include "server/store/storable.h"

namespace backup::server {
namespace {

constexpr int kMaxOpenRuns = 1000;
constexpr int kMaxUnstarted = 100;

}  // namespace

absl::StatusOr<std::vector<std::string>> PostgresStore::ListRunsToAdvance(absl::Time now, int limit) {
  return rep_->executor.Read([&](pqxx::transaction_base& transaction) -> absl::StatusOr<std::vector<std::string>> {
    const pqxx::result rows =
        Exec(transaction,
             "SELECT name FROM ("
             "SELECT name, slot_time, sequence FROM runs WHERE state = 'SCHEDULED' AND not_before_time <= $1 "
             "UNION ALL "
             "SELECT name, slot_time, sequence FROM runs WHERE state = 'PENDING' AND start_deadline_time <= $1 "
             "UNION ALL "
             "SELECT r.name, r.slot_time, r.sequence FROM policies p JOIN runs r ON r.policy = p.name "
             "WHERE p.paused AND r.state = 'PENDING' AND NOT r.manual "
             "AND (r.start_deadline_time > $1 OR r.start_deadline_time IS NULL) "
             "UNION "  // Not ALL: one may be among the above as well.
             "SELECT name, slot_time, sequence FROM ("
             "SELECT name, slot_time, sequence, delivered, lead(slot_time) OVER (PARTITION BY policy, database, kind "
             "ORDER BY slot_time) AS later "
             "FROM runs WHERE state = 'PENDING' AND NOT manual) waiting "
             "WHERE later IS NOT NULL AND NOT delivered "
             "UNION ALL "
             "SELECT name, slot_time, sequence FROM runs WHERE state = 'RUNNING' "
             "AND (lease_end_time <= $1 OR lease_end_time IS NULL)"
             ") due ORDER BY slot_time, sequence LIMIT $2",
             SqlParams().Time(now).Int(limit));
    std::vector<std::string> names;
    for (const pqxx::row& row : rows) names.emplace_back(row[0].c_str());
    return names;
  });
}

absl::StatusOr<absl::Time> PostgresStore::NextAdvanceTime(absl::Time now) {
  return rep_->executor.Read([&](pqxx::transaction_base& transaction) -> absl::StatusOr<absl::Time> {
    const pqxx::result rows =
        Exec(transaction,
             "SELECT least("
             "(SELECT min(not_before_time) FROM runs WHERE state = 'SCHEDULED' AND not_before_time > $1), "
             "(SELECT min(start_deadline_time) FROM runs WHERE state = 'PENDING' AND start_deadline_time > $1), "
             "(SELECT min(lease_end_time) FROM runs WHERE state = 'RUNNING' AND lease_end_time > $1)) AS next_time",
             SqlParams().Time(now));
    const pqxx::row row = rows[0];
    RowReader reader(row, "runs");
    google::protobuf::Timestamp next;
    const bool some = reader.DerivedTime("next_time", &next);
    RETURN_IF_ERROR(reader.status());
    return some ? ToAbsl(next) : absl::InfiniteFuture();
  });
}

absl::StatusOr<std::vector<v1::Run>> PostgresStore::ListOpenRuns(absl::string_view agent, absl::Time horizon) {
  if (!ParseAgentName(agent).ok()) return std::vector<v1::Run>();
  return rep_->executor.Read([&](pqxx::transaction_base& transaction) -> absl::StatusOr<std::vector<v1::Run>> {
    return DecodeAlikeRuns(
        Exec(transaction,
             absl::StrCat("SELECT ", kRunColumns,
                          " FROM runs WHERE agent = $1 AND state IN ('SCHEDULED', 'PENDING', 'RUNNING') "
                          "AND not_before_time <= $2 ORDER BY not_before_time, sequence LIMIT ",
                          kMaxOpenRuns),
             SqlParams().Text(agent).Time(horizon)));
  });
}

absl::StatusOr<std::vector<std::string>> PostgresStore::ListUnstartedRuns(absl::string_view agent, absl::Time now) {
  if (!ParseAgentName(agent).ok()) return std::vector<std::string>();
  return rep_->executor.Read([&](pqxx::transaction_base& transaction) -> absl::StatusOr<std::vector<std::string>> {
    const std::string unstarted = "delivered AND data ->> 'attemptId' IS NULL AND agent = $1";
    std::vector<std::string> names;
    for (const pqxx::row& row :
         Exec(transaction,
              absl::StrCat("SELECT name FROM (SELECT name, slot_time, sequence FROM runs WHERE state = 'LOST' AND ",
                           unstarted, " AND start_deadline_time <= $2 UNION ALL ",
                           "SELECT name, slot_time, sequence FROM runs WHERE state = 'PENDING' AND ", unstarted,
                           " AND start_deadline_time <= $2) found ORDER BY slot_time, sequence LIMIT ", kMaxUnstarted),
              SqlParams().Text(agent).Time(now))) {
      names.emplace_back(row[0].c_str());
    }
    return names;
  });
}

absl::StatusOr<Places> PostgresStore::ReadPlaces(absl::Time seen_since, int limit) {
  return rep_->executor.Read([&](pqxx::transaction_base& transaction) -> absl::StatusOr<Places> {
    Places places;
    // Chosen by what is in columns, so that the JSON of those that are not chosen is not read.
    places.waiting = DecodeRows(
        Exec(transaction,
             absl::StrCat("SELECT ", kRunColumns,
                          " FROM runs WHERE sequence IN (SELECT sequence FROM (SELECT r.sequence, row_number() OVER "
                          "(PARTITION BY r.policy ORDER BY r.slot_time, r.sequence) AS place FROM runs r "
                          "JOIN agents a ON a.name = r.agent AND a.last_seen_time >= $1 "
                          "WHERE r.state = 'PENDING' AND r.data ->> 'heldBack' = 'true') placed WHERE place <= $2) "
                          "ORDER BY slot_time, sequence"),
             SqlParams().Time(seen_since).Int(limit)),
        &DecodeRun);
    if (places.waiting.empty()) return places;
    const pqxx::result rows = Exec(transaction,
                                   "SELECT policy AS name, count(*) AS taken FROM ("
                                   "SELECT policy FROM runs WHERE state = 'RUNNING' AND kind <> 'DELETE' UNION ALL "
                                   "SELECT policy FROM runs WHERE state = 'PENDING' AND kind <> 'DELETE' "
                                   "AND data ->> 'heldBack' IS DISTINCT FROM 'true'"
                                   ") working GROUP BY policy");
    for (const pqxx::row& row : rows) {
      RowReader reader(row, "runs");
      const int64_t taken = reader.Count("taken");
      places.taken += taken;
      places.by_policy[reader.Text("name")] += taken;
      RETURN_IF_ERROR(reader.status());
    }
    return places;
  });
}

absl::Status PostgresStore::MarkDelivered(absl::Span<const v1::Run> runs) {
  std::vector<std::string> names;
  std::vector<std::string> epochs;
  for (const v1::Run& run : runs) {
    if (!ParseRunName(run.name()).ok()) continue;
    names.push_back(run.name());
    epochs.push_back(absl::StrCat(run.epoch()));
  }
  if (names.empty()) return Ping();
  return rep_->executor.Write([&](pqxx::transaction_base& transaction) {
    Exec(transaction,
         "UPDATE runs SET delivered = true FROM unnest($1::text[], $2::bigint[]) AS held(name, epoch) "
         "WHERE runs.name = held.name AND runs.epoch = held.epoch AND NOT runs.delivered "
         "AND runs.state IN ('SCHEDULED', 'PENDING')",
         SqlParams().TextArray(names).TextArray(epochs));
    return absl::OkStatus();
  });
}

}  // namespace backup::server
