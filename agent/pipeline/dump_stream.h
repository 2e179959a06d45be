// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/pipeline/dump_process.h"
#include "agent/pipeline/dump_store.h"
#include "agent/pipeline/progress_meter.h"
#include "agent/pipeline/rate_limit.h"
#include "base/cancellation.h"

namespace backup::agent {

// Moves all that `process` delivers into `store`, on this thread, no faster than `rate` lets it; a slow disk holds
// pg_dump back likewise, and nothing grows. Ends the process and the store's dump. The child's stderr lines when all is
// well; else the child's error, or the store's when the child did nothing wrong. `progress` may be null.
absl::StatusOr<std::vector<std::string>> RunDumpStream(DumpProcess& process, DumpStore& store, RateLimit& rate,
                                                       Cancellation& cancellation, ProgressMeter* progress);

}  // namespace backup::agent
