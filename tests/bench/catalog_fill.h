// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/status.h"
#include "tests/bench/bench_fleet.h"

namespace backup::bench {

// Fills an empty catalog, whose schema ApplyMigrations has made, with the fleet's agents, databases, policies and past,
// by COPY, with its indexes made afterwards. Runs that are still to come are left to the scheduler. FAILED_PRECONDITION
// when the catalog is not empty.
absl::Status FillCatalog(const std::string& url, const BenchFleet& fleet);

}  // namespace backup::bench
