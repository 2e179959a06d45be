// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/status/statusor.h"
#include "backup/v1/backup.pb.h"
#include "backup/v1/run.pb.h"
#include "server/api/api_context.h"

namespace backup::server {

// The backup that a run which was asked for is to restore: run.backup, else the newest good one of run.database.
// INVALID_FIELD; BACKUP_NOT_FOUND, DATABASE_NOT_FOUND; FAILED_PRECONDITION NO_GOOD_BACKUP.
absl::StatusOr<v1::Backup> ReadBackupToRestore(const ApiContext& api, const v1::Run& wanted);

}  // namespace backup::server
