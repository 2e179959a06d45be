// SPDX-License-Identifier: Apache-2.0
#include "server/store/agent_rows.h"

#include <string>

#include "base/proto_json.h"
#include "server/store/row_reader.h"
#include "server/store/sql_params.h"
#include "server/store/transaction_executor.h"
#include "server/store/write_rules.h"

namespace backup::server {
namespace {

// What no column holds.
std::string DataOf(v1::Agent agent) {
  agent.clear_name();
  agent.clear_state();
  agent.clear_boot_id();
  agent.clear_enroll_time();
  agent.clear_last_seen_time();
  agent.clear_certificate_expire_time();
  return ToJson(agent);
}

}  // namespace

const char kAgentColumns[] = "name, boot_id, enroll_time, last_seen_time, certificate_expire_time, data";

absl::StatusOr<v1::Agent> DecodeAgent(const pqxx::row& row) {
  RowReader reader(row, "agents");
  v1::Agent agent;
  reader.Json("data", &agent);
  agent.set_name(reader.Text("name"));
  agent.set_boot_id(reader.Text("boot_id"));
  google::protobuf::Timestamp time;
  if (reader.OptionalTime("enroll_time", &time)) *agent.mutable_enroll_time() = time;
  if (reader.OptionalTime("last_seen_time", &time)) *agent.mutable_last_seen_time() = time;
  if (reader.OptionalTime("certificate_expire_time", &time)) *agent.mutable_certificate_expire_time() = time;
  if (!reader.ok()) return reader.status();
  return agent;
}

void PutAgent(pqxx::transaction_base& transaction, const v1::Agent& agent, int64_t report_sequence) {
  SqlParams params;
  params.Text(agent.name()).Text(agent.boot_id()).Int(report_sequence);
  agent.has_enroll_time() ? params.Time(agent.enroll_time()) : params.Null();
  agent.has_last_seen_time() ? params.Time(agent.last_seen_time()) : params.Null();
  agent.has_certificate_expire_time() ? params.Time(agent.certificate_expire_time()) : params.Null();
  params.Text(DataOf(agent));
  Exec(
      transaction,
      "INSERT INTO agents (name, boot_id, report_sequence, enroll_time, last_seen_time, certificate_expire_time, data) "
      "VALUES ($1, $2, $3, $4, $5, $6, $7) "
      "ON CONFLICT (name) DO UPDATE SET boot_id = excluded.boot_id, report_sequence = excluded.report_sequence, "
      "enroll_time = excluded.enroll_time, last_seen_time = excluded.last_seen_time, "
      "certificate_expire_time = excluded.certificate_expire_time, data = excluded.data",
      params);
}

const char kSelectDatabases[] =
    "SELECT d.name, d.data, good.name AS last_good_backup, good.snapshot_time AS last_good_time, "
    // Not min(), for which all rows to come would be read.
    "(SELECT r.slot_time FROM runs r WHERE r.database = d.name AND r.state = 'SCHEDULED' AND r.kind = 'BACKUP' "
    "AND NOT EXISTS (SELECT FROM policies p WHERE p.name = r.policy AND p.paused) "
    "ORDER BY r.slot_time LIMIT 1) AS next_slot_time "
    "FROM databases d LEFT JOIN LATERAL (SELECT b.name, b.snapshot_time FROM backups b "
    "WHERE b.database = d.name AND b.state = 'GOOD' ORDER BY b.sequence DESC LIMIT 1) good ON true";

absl::StatusOr<v1::Database> DecodeDatabase(const pqxx::row& row) {
  RowReader reader(row, "databases");
  v1::Database database;
  reader.Json("data", &database);
  database.set_name(reader.Text("name"));
  if (!row["last_good_backup"].is_null()) database.set_last_good_backup(reader.Text("last_good_backup"));
  google::protobuf::Timestamp time;
  if (reader.DerivedTime("last_good_time", &time)) *database.mutable_last_good_time() = time;
  if (reader.DerivedTime("next_slot_time", &time)) *database.mutable_next_slot_time() = time;
  if (!reader.ok()) return reader.status();
  if (AgentOfDatabase(database.name()).empty()) return reader.Invalid("name", "is no resource name");
  return database;
}

void PutDatabase(pqxx::transaction_base& transaction, const v1::Database& database) {
  v1::Database data = ReportedDatabase(database);
  data.clear_name();
  Exec(transaction,
       "INSERT INTO databases (name, agent, gone, data) VALUES ($1, $2, false, $3) "
       "ON CONFLICT (name) DO UPDATE SET gone = false, data = excluded.data",
       SqlParams().Text(database.name()).Text(AgentOfDatabase(database.name())).Text(ToJson(data)));
}

}  // namespace backup::server
