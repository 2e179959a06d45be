// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "backup/v1/backup.pb.h"
#include "backup/v1/backup_service.pb.h"
#include "backup/v1/event.pb.h"

namespace backup::server {

// The hold that `request` asks for, in the name of `owner`. INVALID_ARGUMENT INVALID_FIELD for a reason that is missing
// or too long, and for an end that is not to come. Pure.
absl::StatusOr<v1::BackupHold> MakeHold(const v1::HoldBackupRequest& request, absl::string_view owner, absl::Time now);

// Whether somebody holds the backup at `now`. Pure.
bool IsHeld(const v1::Backup& backup, absl::Time now);

// What a hold of `backup`, and its end by hand, are told as.
v1::Event HeldEvent(absl::string_view backup, const v1::BackupHold& hold, absl::Time now);
v1::Event ReleasedEvent(absl::string_view backup, absl::string_view actor, absl::Time now);

}  // namespace backup::server
