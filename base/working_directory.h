// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/time/time.h"

namespace backup {

// Waits until no process has `directory` as its working directory; false when one still has after `timeout`. Processes
// that /proc does not let us look at do not count, nor do zombies, which have none.
//
// The processes of a PostgreSQL server work in its data directory (PostgreSQL manual, 19.3), those too that outlive a
// killed postmaster for a moment. Only once all are gone may its postmaster.pid be taken away.
bool AwaitNobodyWorksIn(const std::string& directory, absl::Duration timeout);

}  // namespace backup
