// SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/proto_json.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "server/domain/deletion.h"
#include "server/store/backup_rows.h"
#include "server/store/event_rows.h"
#include "server/store/list_query.h"
#include "server/store/postgres_rep.h"
#include "server/store/storable.h"

namespace backup::server {

absl::StatusOr<v1::Backup> PostgresStore::GetBackup(absl::string_view name) {
  if (!ParseBackupName(name).ok()) return BackupNotFound(name);
  return rep_->executor.Read([&](pqxx::transaction_base& transaction) -> absl::StatusOr<v1::Backup> {
    ASSIGN_OR_RETURN(std::optional<v1::Backup> backup, ReadBackup(transaction, "WHERE name = $1", name));
    if (!backup.has_value()) return BackupNotFound(name);
    return *std::move(backup);
  });
}

absl::StatusOr<v1::Backup> PostgresStore::SetBackupHold(absl::string_view name,
                                                        const std::optional<v1::BackupHold>& hold,
                                                        absl::Span<const v1::Event> events) {
  if (!ParseBackupName(name).ok()) return BackupNotFound(name);
  if (hold.has_value()) RETURN_IF_ERROR(CheckStorable(*hold));
  RETURN_IF_ERROR(CheckStorable(events));
  return rep_->executor.Write([&](pqxx::transaction_base& transaction) -> absl::StatusOr<v1::Backup> {
    SqlParams params;
    params.Text(std::string(name));
    hold.has_value() ? params.Text(ToJson(*hold)) : params.Null();
    if (hold.has_value()) {
      const pqxx::result locked =
          Exec(transaction, absl::StrCat("SELECT ", kBackupColumns, " FROM backups WHERE name = $1 FOR UPDATE"),
               SqlParams().Text(name));
      if (locked.empty()) return BackupNotFound(name);
      ASSIGN_OR_RETURN(const v1::Backup before, DecodeBackup(locked[0]));
      RETURN_IF_ERROR(CheckNotDeleted(before));
    }
    const pqxx::result rows = Exec(
        transaction, absl::StrCat("UPDATE backups SET hold = $2 WHERE name = $1 RETURNING ", kBackupColumns), params);
    if (rows.empty()) return BackupNotFound(name);
    ASSIGN_OR_RETURN(v1::Backup backup, DecodeBackup(rows[0]));
    InsertEvents(transaction, events);
    return backup;
  });
}

absl::StatusOr<Page<v1::Backup>> PostgresStore::ListBackups(const v1::BackupFilter& filter, const PageRequest& page) {
  RETURN_IF_ERROR(CheckPageSize(page));
  if (!CheckStorable(filter).ok()) return Page<v1::Backup>();
  const std::string scope = PageScope("backups", filter);
  ASSIGN_OR_RETURN(const int64_t before, ParseSequencePageToken(scope, page.token));
  std::vector<std::string> states;
  for (const int state : filter.states()) states.push_back(v1::BackupState_Name(state));
  StreamList list("backups");
  if (!AddListScope(filter, &list)) return Page<v1::Backup>();
  states.empty() ? list.StreamWithout("state", v1::BackupState_Name(v1::DELETED)) : list.Stream("state", states);
  list.Order("sequence", "bigint", absl::StrCat(before));
  return rep_->executor.Read([&](pqxx::transaction_base& transaction) -> absl::StatusOr<Page<v1::Backup>> {
    const pqxx::result rows = Exec(transaction, list.Sql(kBackupColumns, page.size + 1), list.params());
    return MakePage(rows, page.size, scope, "sequence", &DecodeBackup);
  });
}

}  // namespace backup::server
