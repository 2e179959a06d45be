// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "backup/v1/backup.pb.h"
#include "backup/v1/run.pb.h"

namespace backup::ctl {

// A drill that tells how fast a restore is: its run, and the backup it restored.
struct MeasuredDrill {
  v1::Run run;
  v1::Backup backup;
};

// Where a restore goes, for people.
std::string RestorePlace(const v1::RestoreRunSpec& spec);

// How long a restore of `plain_bytes` would take at the speed of `drill`; nothing when that says nothing.
std::optional<absl::Duration> EstimateRestore(int64_t plain_bytes, const MeasuredDrill& drill);

// What a RESTORE that was only planned found: what would be restored and to where, how long that would take judged by
// `drill`, and what stands in the way.
std::string DescribeRestorePlan(const v1::Run& plan, const std::optional<MeasuredDrill>& drill, bool color,
                                absl::Time now);

// One sentence about a RESTORE that succeeded, and what it left out, a line for each.
std::string DescribeRestored(const v1::Run& run);

}  // namespace backup::ctl
