// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace backup::agent {

// A failed call of the repository's file system as a JobError: DISK_FULL for ENOSPC, EDQUOT and EFBIG (a limit on the
// size of files), IO otherwise. `what` says what was tried, e.g. "cannot write /x/y".
absl::Status StorageError(int error_number, absl::string_view what);

}  // namespace backup::agent
