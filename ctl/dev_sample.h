// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/cancellation.h"
#include "ctl/dev_layout.h"

namespace backup::ctl {

// The throwaway PostgreSQL server of `backupctl dev up`: in the dev directory, on a Unix socket only that its owner
// (and root) can reach, run by user postgres when we are root. It outlives this command.

// Makes the cluster with the sample database unless it is there, starts the server unless it runs, and returns when it
// takes connections. FAILED_PRECONDITION POSTGRES_NOT_INSTALLED, SOCKET_PATH_TOO_LONG; INTERNAL DEV_SAMPLE_FAILED with
// what the child said.
absl::Status EnsureSampleServer(const DevLayout& layout, bool is_root, Cancellation& interrupt);

// libpq URL of the sample database; there is no password.
std::string SampleUrl(const DevLayout& layout);

// Folder with initdb and postgres of the newest PostgreSQL installed as Debian does it. POSTGRES_NOT_INSTALLED.
absl::StatusOr<std::string> FindPostgresPrograms();

}  // namespace backup::ctl
