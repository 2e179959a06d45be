// SPDX-License-Identifier: Apache-2.0
#include "server/store/backup_rows.h"

#include "absl/strings/str_cat.h"
#include "base/proto_json.h"
#include "base/status_macros.h"
#include "server/store/row_reader.h"
#include "server/store/sql_params.h"
#include "server/store/transaction_executor.h"
#include "server/store/write_rules.h"

namespace backup::server {
namespace {

// What no column holds.
std::string DataOf(v1::Backup backup) {
  backup.clear_name();
  backup.clear_database();
  backup.clear_policy();
  backup.clear_state();
  backup.clear_snapshot_time();
  backup.clear_create_time();
  backup.clear_size_bytes();
  backup.clear_sequence();
  backup.clear_manifest();
  backup.clear_hold();
  return ToJson(backup);
}

}  // namespace

const char kBackupColumns[] =
    "sequence, name, database, policy, state, snapshot_time, create_time, size_bytes, data, hold";

absl::StatusOr<v1::Backup> DecodeBackup(const pqxx::row& row) {
  RowReader reader(row, "backups");
  v1::Backup backup;
  reader.Json("data", &backup);
  backup.set_sequence(reader.Int("sequence"));
  backup.set_name(reader.Text("name"));
  backup.set_database(reader.Text("database"));
  backup.set_policy(reader.Text("policy"));
  backup.set_state(reader.Enum<v1::BackupState>(
      "state", [](const std::string& t, v1::BackupState* v) { return BackupState_Parse(t, v); }));
  google::protobuf::Timestamp time;
  if (reader.OptionalTime("snapshot_time", &time)) *backup.mutable_snapshot_time() = time;
  if (reader.OptionalTime("create_time", &time)) *backup.mutable_create_time() = time;
  backup.set_size_bytes(reader.Count("size_bytes"));
  if (!row["hold"].is_null()) reader.Json("hold", backup.mutable_hold());
  if (!reader.ok()) return reader.status();
  if (AgentOfDatabase(backup.database()).empty()) return reader.Invalid("database", "is no resource name");
  return backup;
}

absl::Status ReadManifest(pqxx::transaction_base& transaction, v1::Backup* backup) {
  const pqxx::result rows = Exec(transaction, "SELECT backup AS sequence, data FROM backup_manifests WHERE backup = $1",
                                 SqlParams().Int(backup->sequence()));
  if (rows.empty()) return absl::OkStatus();
  const pqxx::row row = rows[0];
  RowReader reader(row, "backup_manifests");
  reader.Json("data", backup->mutable_manifest());
  return reader.status();
}

absl::StatusOr<std::optional<v1::Backup>> ReadBackup(pqxx::transaction_base& transaction, const std::string& tail,
                                                     absl::string_view parameter) {
  const pqxx::result rows =
      Exec(transaction, absl::StrCat("SELECT ", kBackupColumns, " FROM backups ", tail), SqlParams().Text(parameter));
  if (rows.empty()) return std::optional<v1::Backup>();
  ASSIGN_OR_RETURN(v1::Backup backup, DecodeBackup(rows[0]));
  RETURN_IF_ERROR(ReadManifest(transaction, &backup));
  return std::optional<v1::Backup>(std::move(backup));
}

void PutBackup(pqxx::transaction_base& transaction, v1::Backup backup) {
  RoundTimes(&backup);
  SqlParams params;
  params.Text(backup.name()).Text(backup.database()).Text(AgentOfDatabase(backup.database())).Text(backup.policy());
  params.Text(v1::BackupState_Name(backup.state())).Int(backup.size_bytes());
  backup.has_snapshot_time() ? params.Time(backup.snapshot_time()) : params.Null();
  backup.has_create_time() ? params.Time(backup.create_time()) : params.Null();
  params.Text(DataOf(backup));
  const pqxx::result rows = Exec(
      transaction,
      "INSERT INTO backups AS b (name, database, agent, policy, state, size_bytes, snapshot_time, create_time, data) "
      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) "
      "ON CONFLICT (name) DO UPDATE SET database = excluded.database, agent = excluded.agent, "
      "policy = excluded.policy, state = excluded.state, size_bytes = excluded.size_bytes, "
      "snapshot_time = excluded.snapshot_time, data = excluded.data RETURNING b.sequence",
      params);
  if (!backup.has_manifest()) return;
  Exec(transaction,
       "INSERT INTO backup_manifests AS m (backup, data) VALUES ($1, $2) "
       "ON CONFLICT (backup) DO UPDATE SET data = excluded.data WHERE m.data <> excluded.data",
       SqlParams().Int(rows[0][0].as<int64_t>()).Text(ToJson(backup.manifest())));
}

}  // namespace backup::server
