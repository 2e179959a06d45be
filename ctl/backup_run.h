// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "ctl/exit_code.h"
#include "ctl/session.h"

namespace backup::ctl {

struct BackupRunFlags {
  std::string database;  // As typed; empty: all that `policy` covers.
  std::string policy;    // As typed; empty: the one that covers the database.
  bool wait = false;
};

// Asks for backups now and shows the runs; with `wait` follows them and shows the backups they made.
absl::StatusOr<ExitCode> RunBackup(Session& session, const BackupRunFlags& flags);

// Asks for a verification of one backup now; with `wait` follows it.
absl::StatusOr<ExitCode> VerifyBackup(Session& session, const std::string& backup, bool wait);

}  // namespace backup::ctl
