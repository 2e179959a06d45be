// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "backup/v1/run.pb.h"
#include "ctl/output.h"
#include "ctl/table.h"

namespace backup::ctl {

// A line for each run.
Table RunTable(const std::vector<v1::Run>& runs, absl::Time now);

// Everything about one run.
std::string DescribeRun(const v1::Run& run, const Output& output, absl::Time now);

// Why the run is not well, in one line: cause and message of its failure, or the reason of its state; "" when there is
// none.
std::string RunProblem(const v1::Run& run);

// Whether its state is final (LOST counts: nobody works on it).
bool HasEnded(v1::RunState state);

}  // namespace backup::ctl
