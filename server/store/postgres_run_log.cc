// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/proto_json.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "server/store/list_query.h"
#include "server/store/postgres_rep.h"
#include "server/store/storable.h"

namespace backup::server {
namespace {

absl::StatusOr<v1::RunLogLine> DecodeLine(const pqxx::row& row) {
  RowReader reader(row, "run_log_lines");
  v1::RunLogLine line;
  line.set_offset(reader.Count("line_offset"));
  line.set_text(reader.Text("text"));
  google::protobuf::Timestamp time;
  if (reader.OptionalTime("time", &time)) *line.mutable_time() = time;
  if (!reader.ok()) return reader.status();
  return line;
}

}  // namespace

absl::StatusOr<int64_t> PostgresStore::AppendRunLog(absl::string_view run, absl::Span<const v1::RunLogLine> lines) {
  for (const v1::RunLogLine& line : lines) RETURN_IF_ERROR(CheckStorable(line));
  if (!ParseRunName(run).ok()) return RunNotFound(run);
  return rep_->executor.Write([&](pqxx::transaction_base& transaction) -> absl::StatusOr<int64_t> {
    // Locked against other writers of this log.
    const pqxx::result locked =
        Exec(transaction, "SELECT sequence FROM runs WHERE name = $1 FOR NO KEY UPDATE", SqlParams().Text(run));
    if (locked.empty()) return RunNotFound(run);
    const auto sequence = locked[0][0].as<int64_t>();
    auto next = Exec(transaction, "SELECT coalesce(max(line_offset) + 1, 0) FROM run_log_lines WHERE run = $1",
                     SqlParams().Int(sequence))[0][0]
                    .as<int64_t>();
    std::vector<std::string> offsets, times, texts;
    for (const v1::RunLogLine& line : lines) {
      if (line.offset() < next) continue;
      next = line.offset() + 1;
      offsets.push_back(absl::StrCat(line.offset()));
      times.push_back(line.has_time() ? SqlParams::TimeText(ToAbsl(line.time())) : "");
      texts.push_back(line.text());
    }
    Exec(transaction,
         "INSERT INTO run_log_lines (run, line_offset, time, text) SELECT $1, a, nullif(b, '')::timestamptz, c "
         "FROM unnest($2::bigint[], $3::text[], $4::text[]) AS x(a, b, c)",
         SqlParams().Int(sequence).TextArray(offsets).TextArray(times).TextArray(texts));
    return next;
  });
}

absl::StatusOr<std::vector<v1::RunLogLine>> PostgresStore::ListRunLog(absl::string_view run, int64_t offset,
                                                                      int limit) {
  if (!ParseRunName(run).ok()) return RunNotFound(run);
  return rep_->executor.Read([&](pqxx::transaction_base& transaction) -> absl::StatusOr<std::vector<v1::RunLogLine>> {
    const pqxx::result found = Exec(transaction, "SELECT sequence FROM runs WHERE name = $1", SqlParams().Text(run));
    if (found.empty()) return RunNotFound(run);
    return DecodeRows(Exec(transaction,
                           "SELECT run AS sequence, line_offset, time, text FROM run_log_lines "
                           "WHERE run = $1 AND line_offset >= $2 ORDER BY line_offset LIMIT $3",
                           SqlParams().Int(found[0][0].as<int64_t>()).Int(offset).Int(limit)),
                      &DecodeLine);
  });
}

}  // namespace backup::server
