// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/proto_json.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "server/store/past_backup_key.h"
#include "server/store/postgres_rep.h"
#include "server/store/row_reader.h"
#include "server/store/run_rows.h"
#include "server/store/sql_params.h"
#include "server/store/transaction_executor.h"

namespace backup::server {
namespace {

// Of the table's alias `b`: the state, and whether a reason is given with it.
constexpr char kWorthColumns[] =
    "coalesce(b.state, '') AS backup_state, coalesce(b.data ->> 'stateReason', '') <> '' AS has_reason";

// A backup that is or was good; as IsOrWasGood has it.
constexpr char kGoodOnce[] =
    "(b.state = 'GOOD' OR (b.state IN ('DELETING', 'DELETED') AND coalesce(b.data ->> 'stateReason', '') = ''))";

BackupWorth ReadWorth(RowReader& reader) {
  BackupWorth worth;
  if (!reader.Text("backup_state").empty()) {
    worth.state = reader.Enum<v1::BackupState>("backup_state", [](const std::string& text, v1::BackupState* value) {
      return v1::BackupState_Parse(text, value);
    });
  }
  worth.has_reason = reader.Bool("has_reason");
  return worth;
}

absl::StatusOr<SlotCount> DecodeSlotCount(const pqxx::row& row) {
  RowReader reader(row, "runs");
  SlotCount slots;
  slots.policy = reader.Text("policy");
  slots.state = reader.Enum<v1::RunState>(
      "state", [](const std::string& text, v1::RunState* value) { return v1::RunState_Parse(text, value); });
  slots.backup = ReadWorth(reader);
  slots.count = reader.Count("slot_count");
  slots.policy_first_slot = ToAbsl(reader.Time("first_slot_time"));
  if (!reader.ok()) return reader.status();
  return slots;
}

absl::StatusOr<PastBackup> DecodePastBackup(const pqxx::row& row) {
  RowReader reader(row, "backups");
  PastBackup backup;
  backup.snapshot_time = ToAbsl(reader.Time("snapshot_time"));
  backup.worth = ReadWorth(reader);
  backup.size_bytes = reader.Count("size_bytes");
  backup.plain_bytes = reader.Count("plain_bytes");
  backup.row_count = reader.Count("row_count");
  if (!reader.ok()) return reader.status();
  return backup;
}

}  // namespace

absl::StatusOr<std::vector<SlotCount>> PostgresStore::CountSlots(absl::string_view database, absl::Time since,
                                                                 absl::Time until) {
  if (!ParseDatabaseName(database).ok()) return std::vector<SlotCount>();
  return rep_->executor.Read([&](pqxx::transaction_base& transaction) -> absl::StatusOr<std::vector<SlotCount>> {
    // Two halves, since each has an index of its own.
    const std::string half = absl::StrCat(
        "SELECT r.policy, r.state, ", kWorthColumns,
        " FROM runs r LEFT JOIN backups b ON b.name = r.data ->> 'backup' "
        "WHERE r.database = $1 AND r.kind = 'BACKUP' AND NOT r.manual AND r.slot_time >= $2 AND r.slot_time < $3 ");
    const pqxx::result rows = Exec(
        transaction,
        absl::StrCat("SELECT c.*, c.policy AS name, (SELECT min(f.slot_time) FROM runs f WHERE f.policy = c.policy "
                     "AND f.database = $1 AND f.kind = 'BACKUP' AND NOT f.manual) AS first_slot_time "
                     "FROM (SELECT policy, state, backup_state, has_reason, count(*) AS slot_count FROM (",
                     half, "AND r.state <> 'SCHEDULED' UNION ALL ", half,
                     "AND r.state = 'SCHEDULED') s GROUP BY policy, state, backup_state, has_reason) c "
                     "ORDER BY c.policy, c.state COLLATE \"C\", c.backup_state COLLATE \"C\", c.has_reason"),
        SqlParams().Text(database).Time(since).Time(until));
    return DecodeRows(rows, &DecodeSlotCount);
  });
}

absl::StatusOr<Page<PastBackup>> PostgresStore::ListPastBackups(absl::string_view database, absl::Time since,
                                                                absl::Time until, const PageRequest& page) {
  RETURN_IF_ERROR(CheckPageSize(page));
  if (!ParseDatabaseName(database).ok()) return Page<PastBackup>();
  const PastBackupPages pages(database, since, until);
  ASSIGN_OR_RETURN(const PastBackupKey after, pages.Parse(page.token));
  return rep_->executor.Read([&](pqxx::transaction_base& transaction) -> absl::StatusOr<Page<PastBackup>> {
    const pqxx::result rows =
        Exec(transaction,
             absl::StrCat("SELECT b.sequence, b.snapshot_time, b.size_bytes, ", kWorthColumns,
                          ", coalesce((b.data ->> 'plainBytes')::bigint, 0) AS plain_bytes, "
                          "coalesce((b.data ->> 'rowCount')::bigint, 0) AS row_count FROM backups b "
                          "WHERE b.database = $1 AND b.snapshot_time >= $2 AND b.snapshot_time < $3 "
                          "AND (b.snapshot_time, b.sequence) > ($4, $5) ORDER BY b.snapshot_time, b.sequence LIMIT ",
                          page.size + 1),
             SqlParams().Text(database).Time(since).Time(until).Time(after.snapshot_time).Int(after.sequence));
    Page<PastBackup> result;
    for (int i = 0; i < page.size && i < static_cast<int>(rows.size()); ++i) {
      absl::StatusOr<PastBackup> backup = DecodePastBackup(rows[i]);
      if (backup.ok()) {
        result.items.push_back(*std::move(backup));
      } else {
        LogInvalidRow(backup.status());
      }
    }
    if (static_cast<int>(rows.size()) > page.size) {
      const pqxx::row last = rows[page.size - 1];
      RowReader reader(last, "backups");
      result.next_token = pages.Make({ToAbsl(reader.Time("snapshot_time")), reader.Int("sequence")});
      RETURN_IF_ERROR(reader.status());
    }
    return result;
  });
}

absl::StatusOr<absl::Time> PostgresStore::LastGoodBefore(absl::string_view database, absl::Time before) {
  if (!ParseDatabaseName(database).ok()) return absl::InfinitePast();
  return rep_->executor.Read([&](pqxx::transaction_base& transaction) -> absl::StatusOr<absl::Time> {
    const pqxx::result rows =
        Exec(transaction,
             absl::StrCat("SELECT b.sequence, b.snapshot_time FROM backups b WHERE b.database = $1 "
                          "AND b.snapshot_time < $2 AND ",
                          kGoodOnce, " ORDER BY b.snapshot_time DESC, b.sequence DESC LIMIT 1"),
             SqlParams().Text(database).Time(before));
    if (rows.empty()) return absl::InfinitePast();
    const pqxx::row row = rows[0];
    RowReader reader(row, "backups");
    const absl::Time time = ToAbsl(reader.Time("snapshot_time"));
    RETURN_IF_ERROR(reader.status());
    return time;
  });
}

absl::StatusOr<std::vector<v1::Run>> PostgresStore::ListPastDrills(absl::string_view database, absl::Time since,
                                                                   absl::Time until, int limit) {
  if (!ParseDatabaseName(database).ok()) return std::vector<v1::Run>();
  return rep_->executor.Read([&](pqxx::transaction_base& transaction) -> absl::StatusOr<std::vector<v1::Run>> {
    return DecodeRows(Exec(transaction,
                           absl::StrCat("SELECT ", kRunColumns,
                                        " FROM runs WHERE database = $1 AND kind = 'DRILL' AND state <> 'SCHEDULED' "
                                        "AND slot_time >= $2 AND slot_time < $3 "
                                        "ORDER BY slot_time DESC, sequence DESC LIMIT $4"),
                           SqlParams().Text(database).Time(since).Time(until).Int(limit)),
                      &DecodeRun);
  });
}

}  // namespace backup::server
