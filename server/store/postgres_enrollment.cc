// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "server/store/agent_rows.h"
#include "server/store/event_rows.h"
#include "server/store/list_query.h"
#include "server/store/postgres_rep.h"
#include "server/store/storable.h"
#include "server/store/write_rules.h"

namespace backup::server {

absl::Status PostgresStore::PutEnrollmentToken(absl::string_view token_sha256, absl::string_view agent,
                                               absl::Time expire_time, absl::Span<const v1::Event> events) {
  RETURN_IF_ERROR(CheckEnrollmentToken(token_sha256, agent));
  RETURN_IF_ERROR(CheckStorable(events));
  return rep_->executor.Write([&](pqxx::transaction_base& transaction) {
    const pqxx::result inserted = Exec(
        transaction,
        "INSERT INTO enrollment_tokens (token_sha256, agent, expire_time) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        SqlParams().Text(token_sha256).Text(agent).Time(expire_time));
    if (inserted.affected_rows() == 1) InsertEvents(transaction, events);
    return absl::OkStatus();
  });
}

absl::StatusOr<std::string> PostgresStore::FindEnrollmentToken(absl::string_view token_sha256, absl::Time now) {
  if (!CheckStorableText(token_sha256, "token_sha256").ok()) return EnrollmentTokenInvalid();
  return rep_->executor.Read([&](pqxx::transaction_base& transaction) -> absl::StatusOr<std::string> {
    const pqxx::result rows =
        Exec(transaction,
             "SELECT agent FROM enrollment_tokens WHERE token_sha256 = $1 AND used_time IS NULL AND expire_time > $2",
             SqlParams().Text(token_sha256).Time(now));
    if (rows.empty()) return EnrollmentTokenInvalid();
    return std::string(rows[0][0].c_str());
  });
}

absl::Status PostgresStore::UseEnrollmentToken(absl::string_view token_sha256, absl::Time now, const v1::Agent& agent,
                                               absl::Span<const v1::Event> events) {
  RETURN_IF_ERROR(CheckStorable(agent));
  RETURN_IF_ERROR(CheckStorable(events));
  if (!CheckStorableText(token_sha256, "token_sha256").ok() || !ParseAgentName(agent.name()).ok()) {
    return EnrollmentTokenInvalid();
  }
  return rep_->executor.Write([&](pqxx::transaction_base& transaction) -> absl::Status {
    // Of several at once the first locks the row; the others then find it used.
    const pqxx::result used = Exec(transaction,
                                   "UPDATE enrollment_tokens SET used_time = $2 WHERE token_sha256 = $1 AND agent = $3 "
                                   "AND used_time IS NULL AND expire_time > $2",
                                   SqlParams().Text(token_sha256).Time(now).Text(agent.name()));
    if (used.affected_rows() != 1) return EnrollmentTokenInvalid();
    const pqxx::result rows = Exec(
        transaction, absl::StrCat("SELECT ", kAgentColumns, ", report_sequence FROM agents WHERE name = $1 FOR UPDATE"),
        SqlParams().Text(agent.name()));
    v1::Agent enrolled;
    enrolled.set_name(agent.name());
    int64_t report_sequence = 0;
    if (!rows.empty()) {
      ASSIGN_OR_RETURN(enrolled, DecodeAgent(rows[0]));
      report_sequence = rows[0]["report_sequence"].as<int64_t>();
    }
    TakeEnrollment(agent, &enrolled);
    PutAgent(transaction, enrolled, report_sequence);
    InsertEvents(transaction, events);
    return absl::OkStatus();
  });
}

}  // namespace backup::server
