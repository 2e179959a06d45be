// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/status/status.h"

namespace backup::ctl {

// Exit codes: a public contract, told in the root's --help.
enum class ExitCode : int {
  kOk = 0,
  kFailed = 1,  // Also: `diff` found a difference.
  kUsage = 2,   // Wrong command line, or an invalid file.
  kNotFound = 3,
  kNotAllowed = 4,   // Not authenticated, or not allowed.
  kUnreachable = 5,  // The controller or its catalog, or a deadline.
  kConflict = 6,     // Somebody else changed it, or the state forbids it.
  kPartial = 7,      // Some of several things were done.
  kBadBackup = 8,    // The backup is bad.
  kInterrupted = 130,
};

// The one mapping from errors: by reason first, by code when the reason says nothing of its own.
ExitCode ExitCodeOf(const absl::Status& status);

}  // namespace backup::ctl
