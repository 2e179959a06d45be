// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/status.h"
#include "tests/bench/bench_fleet.h"

namespace backup::bench {

struct MeasureOptions {
  // Calls of each verb with each filter. Default: 40.
  int calls = 40;
  // Only measures whose name holds this. Default: all.
  std::string only;
};

// Prints a table of how long the controller's verbs take over a catalog that FillCatalog has filled. Lets the scheduler
// plan what is to come, if that has not been done yet.
absl::Status MeasureCatalog(const std::string& url, const BenchFleet& fleet, const MeasureOptions& options);

}  // namespace backup::bench
