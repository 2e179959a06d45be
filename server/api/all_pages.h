// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "backup/v1/backup.pb.h"
#include "backup/v1/run.pb.h"
#include "server/store/store.h"

namespace backup::server {

// All backups, or runs, of one database, the newest first; without manifests.
absl::StatusOr<std::vector<v1::Backup>> ReadAllBackups(Store& store, const v1::BackupFilter& of_database);
absl::StatusOr<std::vector<v1::Run>> ReadAllRuns(Store& store, const v1::RunFilter& of_database);

}  // namespace backup::server
