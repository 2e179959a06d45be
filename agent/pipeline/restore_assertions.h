// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/pipeline/conninfo.h"
#include "base/cancellation.h"

namespace backup::agent {

// Asks each assertion, a single statement, in `database` of a throwaway server whose superuser `superuser` is; returns
// how many there are. Each must give one row with one true, within 5 minutes: ASSERTION_FAILED naming the one that does
// not, the error of the statement when there is one.
//
// Assertions may come from the controller, which must not be able to run anything on this host: they are asked by a
// role that may read every row and do nothing else (PostgreSQL manual, 22.5, pg_read_all_data; from version 14 on).
absl::StatusOr<int> CheckAssertions(const std::vector<std::string>& assertions, const Conninfo& superuser,
                                    const std::string& database, Cancellation& cancellation);

}  // namespace backup::agent
