// SPDX-License-Identifier: Apache-2.0
#include "server/store/run_rows.h"

#include <array>
#include <string>
#include <vector>

#include "base/proto_json.h"
#include "server/store/row_reader.h"
#include "server/store/transaction_executor.h"
#include "server/store/write_rules.h"

namespace backup::server {
namespace {

constexpr size_t kRunsPerStatement = 500;

// What no column holds.
std::string DataOf(v1::Run run) {
  run.clear_name();
  run.clear_kind();
  run.clear_database();
  run.clear_policy();
  run.clear_state();
  run.clear_slot_time();
  run.clear_not_before_time();
  run.clear_start_deadline_time();
  run.clear_manual();
  run.clear_epoch();
  run.clear_lease_end_time();
  run.clear_delivered();
  run.clear_create_time();
  run.clear_sequence();
  return ToJson(run);
}

// NULL travels as ''.
std::string TimeOrNothing(bool has, const google::protobuf::Timestamp& time) {
  return has ? SqlParams::TimeText(ToAbsl(time)) : "";
}

// Statement for a few hundred runs at once: `fill` adds each run's values, one text[] for each column.
template <size_t kColumnCount, typename Fill>
int64_t ExecForRuns(pqxx::transaction_base& transaction, const std::string& sql, absl::Span<const v1::Run> runs,
                    Fill fill) {
  int64_t affected = 0;
  for (size_t begin = 0; begin < runs.size(); begin += kRunsPerStatement) {
    std::array<std::vector<std::string>, kColumnCount> columns;
    for (const v1::Run& run : runs.subspan(begin, kRunsPerStatement)) {
      const std::array<std::string, kColumnCount> values = fill(run);
      for (size_t i = 0; i < kColumnCount; ++i) columns[i].push_back(values[i]);
    }
    SqlParams params;
    for (const std::vector<std::string>& column : columns) params.TextArray(column);
    affected += static_cast<int64_t>(Exec(transaction, sql, params).affected_rows());
  }
  return affected;
}

}  // namespace

const char kRunColumns[] =
    "sequence, name, kind, database, policy, state, manual, delivered, epoch, slot_time, not_before_time, "
    "start_deadline_time, lease_end_time, create_time, data";

namespace {

// `run` holds what `data` says.
absl::StatusOr<v1::Run> DecodeColumns(RowReader& reader, v1::Run run) {
  run.set_sequence(reader.Int("sequence"));
  run.set_name(reader.Text("name"));
  run.set_kind(
      reader.Enum<v1::RunKind>("kind", [](const std::string& t, v1::RunKind* v) { return RunKind_Parse(t, v); }));
  run.set_database(reader.Text("database"));
  run.set_policy(reader.Text("policy"));
  run.set_state(
      reader.Enum<v1::RunState>("state", [](const std::string& t, v1::RunState* v) { return RunState_Parse(t, v); }));
  run.set_manual(reader.Bool("manual"));
  run.set_delivered(reader.Bool("delivered"));
  run.set_epoch(reader.Int("epoch"));
  *run.mutable_slot_time() = reader.Time("slot_time");
  *run.mutable_not_before_time() = reader.Time("not_before_time");
  google::protobuf::Timestamp time;
  if (reader.OptionalTime("start_deadline_time", &time)) *run.mutable_start_deadline_time() = time;
  if (reader.OptionalTime("lease_end_time", &time)) *run.mutable_lease_end_time() = time;
  *run.mutable_create_time() = reader.Time("create_time");
  if (!reader.ok()) return reader.status();
  if (AgentOfDatabase(run.database()).empty()) return reader.Invalid("database", "is no resource name");
  return run;
}

}  // namespace

absl::StatusOr<v1::Run> DecodeRun(const pqxx::row& row) {
  RowReader reader(row, "runs");
  v1::Run data;
  reader.Json("data", &data);
  return DecodeColumns(reader, std::move(data));
}

std::vector<v1::Run> DecodeAlikeRuns(const pqxx::result& rows) {
  std::vector<v1::Run> runs;
  runs.reserve(rows.size());
  std::string last_text;
  v1::Run last_data;
  for (const pqxx::row& row : rows) {
    RowReader reader(row, "runs");
    if (const std::string text = row["data"].c_str(); text != last_text || text.empty()) {
      reader.Json("data", &last_data);
      last_text = reader.ok() ? text : "";
    }
    absl::StatusOr<v1::Run> run = DecodeColumns(reader, last_data);
    run.ok() ? runs.push_back(*std::move(run)) : LogInvalidRow(run.status());
  }
  return runs;
}

int64_t InsertRuns(pqxx::transaction_base& transaction, absl::Span<const v1::Run> runs) {
  return ExecForRuns<15>(
      transaction,
      "INSERT INTO runs (name, kind, database, agent, policy, state, manual, delivered, epoch, slot_time, "
      "not_before_time, start_deadline_time, lease_end_time, create_time, data) "
      "SELECT a, b, c, d, e, f, g::boolean, h::boolean, i::bigint, j::timestamptz, k::timestamptz, "
      "nullif(l, '')::timestamptz, nullif(m, '')::timestamptz, n::timestamptz, o::jsonb "
      "FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], "
      "$9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[]) "
      "WITH ORDINALITY AS x(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, position) ORDER BY position "
      "ON CONFLICT DO NOTHING",
      runs, [](const v1::Run& run) {
        return std::array<std::string, 15>{run.name(),
                                           v1::RunKind_Name(run.kind()),
                                           run.database(),
                                           AgentOfDatabase(run.database()),
                                           run.policy(),
                                           v1::RunState_Name(run.state()),
                                           run.manual() ? "t" : "f",
                                           run.delivered() ? "t" : "f",
                                           std::to_string(run.epoch()),
                                           TimeOrNothing(true, run.slot_time()),
                                           TimeOrNothing(true, run.not_before_time()),
                                           TimeOrNothing(run.has_start_deadline_time(), run.start_deadline_time()),
                                           TimeOrNothing(run.has_lease_end_time(), run.lease_end_time()),
                                           TimeOrNothing(true, run.create_time()),
                                           DataOf(run)};
      });
}

void UpdateRuns(pqxx::transaction_base& transaction, absl::Span<const v1::Run> runs) {
  ExecForRuns<8>(
      transaction,
      "UPDATE runs SET state = b, delivered = c::boolean, epoch = d::bigint, not_before_time = e::timestamptz, "
      "start_deadline_time = nullif(f, '')::timestamptz, lease_end_time = nullif(g, '')::timestamptz, data = h::jsonb "
      "FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[]) "
      "AS x(a, b, c, d, e, f, g, h) WHERE sequence = a::bigint",
      runs, [](const v1::Run& run) {
        return std::array<std::string, 8>{std::to_string(run.sequence()),
                                          v1::RunState_Name(run.state()),
                                          run.delivered() ? "t" : "f",
                                          std::to_string(run.epoch()),
                                          TimeOrNothing(true, run.not_before_time()),
                                          TimeOrNothing(run.has_start_deadline_time(), run.start_deadline_time()),
                                          TimeOrNothing(run.has_lease_end_time(), run.lease_end_time()),
                                          DataOf(run)};
      });
}

}  // namespace backup::server
