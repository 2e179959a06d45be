// SPDX-License-Identifier: Apache-2.0
#include "server/api/backup_to_read.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "server/api/api_errors.h"

namespace backup::server {
namespace {

absl::StatusOr<std::string> NewestGoodBackup(const ApiContext& api, const std::string& database_name) {
  if (const absl::Status status = ParseDatabaseName(database_name).status(); !status.ok()) {
    return InvalidField("run.database", status.message());
  }
  ASSIGN_OR_RETURN(const v1::Database database, api.store.GetDatabase(database_name));
  if (database.last_good_backup().empty()) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "NO_GOOD_BACKUP",
                     absl::StrCat(database_name, " has no good backup to restore"),
                     "make one with backupctl backup run, or name a backup", {{"database", database_name}});
  }
  return database.last_good_backup();
}

}  // namespace

absl::StatusOr<v1::Backup> ReadBackupToRestore(const ApiContext& api, const v1::Run& wanted) {
  std::string name = wanted.backup();
  if (name.empty()) {
    ASSIGN_OR_RETURN(name, NewestGoodBackup(api, wanted.database()));
  } else if (const absl::Status status = ParseBackupName(name).status(); !status.ok()) {
    return InvalidField("run.backup", status.message());
  }
  return api.store.GetBackup(name);
}

}  // namespace backup::server
