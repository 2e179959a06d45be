// SPDX-License-Identifier: Apache-2.0
#include "server/store/event_rows.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/proto_json.h"
#include "server/store/row_reader.h"
#include "server/store/sql_params.h"
#include "server/store/transaction_executor.h"

namespace backup::server {

const char kEventColumns[] = "sequence, time, actor, subject, type, message";

absl::StatusOr<v1::Event> DecodeEvent(const pqxx::row& row) {
  RowReader reader(row, "events");
  v1::Event event;
  event.set_name(absl::StrCat("events/", reader.Int("sequence")));
  google::protobuf::Timestamp time;
  if (reader.OptionalTime("time", &time)) *event.mutable_time() = time;
  event.set_actor(reader.Text("actor"));
  event.set_subject(reader.Text("subject"));
  event.set_type(reader.Text("type"));
  event.set_message(reader.Text("message"));
  if (!reader.ok()) return reader.status();
  return event;
}

void InsertEvents(pqxx::transaction_base& transaction, absl::Span<const v1::Event> events) {
  if (events.empty()) return;
  std::vector<std::string> times, actors, subjects, types, messages;
  for (const v1::Event& event : events) {
    times.push_back(event.has_time() ? SqlParams::TimeText(ToAbsl(event.time())) : "");
    actors.push_back(event.actor());
    subjects.push_back(event.subject());
    types.push_back(event.type());
    messages.push_back(event.message());
  }
  SqlParams params;
  params.TextArray(times).TextArray(actors).TextArray(subjects).TextArray(types).TextArray(messages);
  Exec(transaction,
       "INSERT INTO events (time, actor, subject, type, message) "
       "SELECT nullif(a, '')::timestamptz, b, c, d, e "
       "FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) "
       "WITH ORDINALITY AS x(a, b, c, d, e, position) ORDER BY position",
       params);
}

}  // namespace backup::server
