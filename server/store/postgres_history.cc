// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/proto_json.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "server/store/compaction_place.h"
#include "server/store/page_token.h"
#include "server/store/postgres_rep.h"
#include "server/store/row_reader.h"

namespace backup::server {
namespace {

constexpr char kEventScope[] = "compaction of events";

// $1, $2: kind and state of the stream; $3, $4: where it begins; $5: the end of history. Each row is looked at with
// what it tells of; of those that tell of nothing any more, one is counted for each one that is deleted, in one
// statement. A run whose state changes meanwhile stays.
constexpr char kCompactRuns[] =
    "WITH looked AS (SELECT sequence, slot_time FROM runs WHERE kind = $1 AND state = $2 "
    "AND (slot_time, sequence) > ($3::timestamptz, $4::bigint) AND slot_time < $5 "
    "ORDER BY slot_time, sequence LIMIT $6), "
    "gone AS (DELETE FROM runs r USING looked WHERE r.sequence = looked.sequence AND r.state = $2 "
    "AND NOT EXISTS (SELECT FROM backups b WHERE b.name = r.data ->> 'backup' AND b.state <> 'DELETED') "
    // Whether the last run failed freezes retention, so of those that can tell the last one stays.
    "AND (r.state <> ALL ($7::text[]) OR EXISTS (SELECT FROM runs later WHERE later.database = r.database "
    "AND later.policy = r.policy AND later.kind = r.kind AND later.state = ANY ($7::text[]) "
    "AND (later.slot_time, later.sequence) > (r.slot_time, r.sequence))) "
    "RETURNING r.database, date_trunc('month', r.slot_time, 'UTC') AS month, r.policy, r.kind, r.state, r.manual), "
    "counted AS (INSERT INTO run_counts AS c (database, month, policy, kind, state, manual, count) "
    "SELECT database, month, policy, kind, state, manual, count(*) FROM gone GROUP BY 1, 2, 3, 4, 5, 6 "
    "ON CONFLICT (database, month, policy, kind, state, manual) DO UPDATE SET count = c.count + excluded.count) "
    "SELECT (SELECT count(*) FROM looked) AS looked_count, (SELECT count(*) FROM gone) AS removed_count, "
    "slot_time, sequence FROM looked ORDER BY slot_time DESC, sequence DESC LIMIT 1";

absl::StatusOr<RunCount> DecodeRunCount(const pqxx::row& row) {
  RowReader reader(row, "run_counts");
  RunCount count;
  count.month = ToAbsl(reader.Time("month"));
  count.policy = reader.Text("policy");
  count.kind =
      reader.Enum<v1::RunKind>("kind", [](const std::string& t, v1::RunKind* v) { return RunKind_Parse(t, v); });
  count.state =
      reader.Enum<v1::RunState>("state", [](const std::string& t, v1::RunState* v) { return RunState_Parse(t, v); });
  count.manual = reader.Bool("manual");
  count.count = reader.Count("count");
  if (!reader.ok()) return reader.status();
  return count;
}

std::vector<std::string> TellingStates() {
  std::vector<std::string> names;
  for (const v1::RunState state : kStatesThatTell) names.push_back(v1::RunState_Name(state));
  return names;
}

}  // namespace

absl::StatusOr<Compaction> PostgresStore::CompactRuns(absl::Time before, const std::string& from, int limit) {
  ASSIGN_OR_RETURN(const RunCompactionPlace place, ParseRunCompactionPlace(from));
  return rep_->executor.Write([&](pqxx::transaction_base& transaction) -> absl::StatusOr<Compaction> {
    SqlParams params;
    params.Text(v1::RunKind_Name(place.kind)).Text(v1::RunState_Name(place.state)).Text(place.after.time);
    params.Int(place.after.sequence).Time(before).Int(limit).TextArray(TellingStates());
    const pqxx::result rows = Exec(transaction, kCompactRuns, params);
    if (from.empty()) Exec(transaction, "DELETE FROM due_counts WHERE hour < $1", SqlParams().Time(before));
    if (rows.empty() || rows[0]["looked_count"].as<int64_t>() < limit) {
      const int64_t removed = rows.empty() ? 0 : rows[0]["removed_count"].as<int64_t>();
      return Compaction{removed, NextRunCompactionStream(place)};
    }
    RunCompactionPlace next = place;
    next.after = {rows[0]["slot_time"].c_str(), rows[0]["sequence"].as<int64_t>()};
    return Compaction{rows[0]["removed_count"].as<int64_t>(), FormatRunCompactionPlace(next)};
  });
}

absl::StatusOr<Compaction> PostgresStore::CompactEvents(absl::Time before, const std::string& from, int limit) {
  int64_t after = std::numeric_limits<int64_t>::min();
  if (!from.empty()) {
    ASSIGN_OR_RETURN(after, ParseSequencePageToken(kEventScope, from));
  }
  return rep_->executor.Write([&](pqxx::transaction_base& transaction) -> absl::StatusOr<Compaction> {
    const pqxx::row row = Exec(
        transaction,
        "WITH looked AS (SELECT sequence, time FROM events WHERE sequence > $1 ORDER BY sequence LIMIT $3), "
        "gone AS (DELETE FROM events e USING looked WHERE e.sequence = looked.sequence AND e.time < $2 RETURNING 1) "
        "SELECT (SELECT count(*) FROM looked) AS looked_count, (SELECT count(*) FROM gone) AS removed_count, "
        "(SELECT count(*) FROM looked WHERE time < $2) AS old_count, "
        "(SELECT coalesce(max(sequence), 0) FROM looked) AS last",
        SqlParams().Int(after).Time(before).Int(limit))[0];
    Compaction done;
    done.removed_count = row["removed_count"].as<int64_t>();
    // Events lie in the order of their time, but for what a clock did.
    if (row["looked_count"].as<int64_t>() == limit && row["old_count"].as<int64_t>() > 0) {
      done.next = MakeSequencePageToken(kEventScope, row["last"].as<int64_t>());
    }
    return done;
  });
}

absl::StatusOr<std::vector<RunCount>> PostgresStore::ListRunCounts(absl::string_view database, absl::Time since,
                                                                   absl::Time until) {
  if (!ParseDatabaseName(database).ok()) return std::vector<RunCount>();
  return rep_->executor.Read([&](pqxx::transaction_base& transaction) -> absl::StatusOr<std::vector<RunCount>> {
    return DecodeRows(Exec(transaction,
                           "SELECT database AS name, month, policy, kind, state, manual, count FROM run_counts "
                           "WHERE database = $1 AND month >= $2 AND month < $3 "
                           "ORDER BY month, policy, kind, state, manual",
                           SqlParams().Text(database).Time(since).Time(until)),
                      &DecodeRunCount);
  });
}

}  // namespace backup::server
