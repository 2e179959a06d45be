// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/pipeline/artifact_writer.h"
#include "agent/pipeline/conninfo.h"
#include "agent/pipeline/dump_plan.h"
#include "agent/pipeline/dump_process.h"
#include "agent/pipeline/dump_store.h"
#include "agent/pipeline/progress_meter.h"
#include "base/cancellation.h"

namespace backup::agent {

// What all pg_dumps of one backup have in common.
struct DumpCommand {
  std::string program;
  std::vector<std::string> arguments;  // With the snapshot, without a section.
  Conninfo conninfo;
  DumpLimits limits;
  int64_t max_bytes_per_second = 0;  // Of all together; 0 for no limit.
};

struct DatabaseDump {
  StoredDump stored;
  std::vector<std::string> stderr_lines;
};

// Stores the dump of a database in the file `name` of `writer`: by one pg_dump, or, when `plan` has streams, by several
// at once over disjoint tables. Their texts, one after the other - what must exist before the data, the data, what
// needs the data (pg_dump --section) - restore to the same database as the text of one. The first error stops all.
absl::StatusOr<DatabaseDump> DumpDatabase(ArtifactWriter& writer, const std::string& name, const DumpCommand& command,
                                          const DumpPlan& plan, const EncoderOptions& options,
                                          Cancellation& cancellation, ProgressMeter& progress);

}  // namespace backup::agent
