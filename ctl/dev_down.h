// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "ctl/dev_layout.h"
#include "ctl/session.h"

namespace backup::ctl {

struct DevDownOptions {
  // Also removes the backups of a user's own database; those of the sample database always go.
  bool delete_backups = false;
};

struct DevDownReport {
  // False when there was nothing to take down.
  bool was_there = false;
  // Where backups were left; empty when none were.
  std::string kept_repository;
};

// Stops what `dev up` started, and removes what it made: processes, files, context. Nothing else is touched, and no
// process that `dev up` did not start is signalled. Idempotent.
absl::StatusOr<DevDownReport> DevDown(Session& session, const DevLayout& layout, const DevDownOptions& options);

}  // namespace backup::ctl
