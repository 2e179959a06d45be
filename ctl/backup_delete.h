// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "ctl/exit_code.h"
#include "ctl/session.h"

namespace backup::ctl {

struct BackupDeleteFlags {
  std::string backup;
  std::string reason;
  std::string confirm;
  bool wait = false;
};

// Deletes one backup, once a person has confirmed it; with `wait` follows the run that removes its files.
absl::StatusOr<ExitCode> DeleteBackup(Session& session, const BackupDeleteFlags& flags);

}  // namespace backup::ctl
