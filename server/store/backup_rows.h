// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <pqxx/pqxx>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "backup/v1/backup.pb.h"

namespace backup::server {

// Backups as rows of table backups, their manifests as rows of backup_manifests.

// What DecodeBackup reads, for a SELECT list.
extern const char kBackupColumns[];
// Without manifest. CATALOG_ROW_INVALID.
absl::StatusOr<v1::Backup> DecodeBackup(const pqxx::row& row);
// Adds the manifest that is stored for backup.sequence, if any. CATALOG_ROW_INVALID.
absl::Status ReadManifest(pqxx::transaction_base& transaction, v1::Backup* backup);

// The first row of `SELECT kBackupColumns FROM backups <tail>`, with manifest; nothing when there is none.
// CATALOG_ROW_INVALID.
absl::StatusOr<std::optional<v1::Backup>> ReadBackup(pqxx::transaction_base& transaction, const std::string& tail,
                                                     absl::string_view parameter);

// Inserts, or replaces by name (KeepIdentity).
void PutBackup(pqxx::transaction_base& transaction, v1::Backup backup);

}  // namespace backup::server
