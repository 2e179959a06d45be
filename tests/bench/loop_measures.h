// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/status/status.h"
#include "server/store/store.h"
#include "tests/bench/bench_fleet.h"
#include "tests/bench/catalog_measure.h"

namespace backup::bench {

// Lets the scheduler plan and advance as if it had been at work all along. Prints how long the turns took.
absl::Status PlanAhead(server::Store& store, const BenchFleet& fleet);

// Status, turns of the scheduler, what agents ask for, and retention of the whole fleet.
absl::Status MeasureLoops(server::Store& store, const BenchFleet& fleet, const MeasureOptions& options);

}  // namespace backup::bench
