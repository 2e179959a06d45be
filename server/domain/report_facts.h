// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "backup/v1/backup.pb.h"
#include "backup/v1/run.pb.h"

namespace backup::server {

// What the catalog tells of a database's past, for reports: counted or cut down there, so that a report of years is
// made from few rows.

// What a backup was worth when it was last anything: a deleted one is judged by what it was before.
struct BackupWorth {
  v1::BackupState state = v1::BACKUP_STATE_UNSPECIFIED;  // Unspecified: there is no such backup.
  bool has_reason = false;                               // A state_reason is set.
};

// Backup runs that a schedule made, of one policy and end.
struct SlotCount {
  std::string policy;
  v1::RunState state = v1::RUN_STATE_UNSPECIFIED;
  BackupWorth backup;            // What they brought.
  int64_t count = 0;             // Of them, at least 1.
  absl::Time policy_first_slot;  // The first slot of this policy and database that the catalog knows, of any time.
};

// A backup that was made once; it need not exist any more.
struct PastBackup {
  absl::Time snapshot_time;
  BackupWorth worth;
  int64_t plain_bytes = 0;
  int64_t size_bytes = 0;
  int64_t row_count = 0;
};

// Whether it is good, or was until it was deleted.
inline bool IsOrWasGood(const BackupWorth& worth) {
  const bool is_deleted = worth.state == v1::DELETING || worth.state == v1::DELETED;
  return worth.state == v1::GOOD || (is_deleted && !worth.has_reason);
}

}  // namespace backup::server
