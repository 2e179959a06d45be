// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/status/status.h"
#include "server/store/store.h"
#include "tests/bench/bench_fleet.h"
#include "tests/bench/catalog_measure.h"

namespace backup::bench {

// `run list` and `backup list` with every filter: first pages and pages deep within, of 100 and of 1000.
absl::Status MeasureLists(server::Store& store, const BenchFleet& fleet, const MeasureOptions& options);

}  // namespace backup::bench
