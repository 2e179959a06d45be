// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/pipeline/dump_process.h"
#include "agent/pipeline/dump_store.h"
#include "agent/pipeline/progress_meter.h"

namespace backup::agent {

// Moves all that `process` delivers into `store`: this thread reads, another scans, encodes and writes, a bounded pool
// of buffers between them, so that a slow disk holds pg_dump back and nothing grows. Finishes both. The child's stderr
// lines when all is well; else the child's error, or the store's when the child did nothing wrong. `progress` may be
// null.
absl::StatusOr<std::vector<std::string>> RunDumpStream(DumpProcess& process, DumpStore& store, const DumpLimits& limits,
                                                       ProgressMeter* progress);

}  // namespace backup::agent
