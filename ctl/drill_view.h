// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "absl/time/time.h"
#include "backup/v1/run.pb.h"
#include "ctl/table.h"

namespace backup::ctl {

// A line for each drill: which backup, how it went, how long the restore took against what is allowed.
Table DrillTable(const std::vector<v1::Run>& drills, absl::Time now);

}  // namespace backup::ctl
