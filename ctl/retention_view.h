// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "backup/v1/retention.pb.h"
#include "ctl/output.h"
#include "ctl/table.h"

namespace backup::ctl {

// A line for each database and policy: how much stays, how much goes, what stands against it.
Table RetentionSummaryTable(const std::vector<v1::RetentionPlan>& plans);

// Every decision about the backups of one database, and the summary of each policy after it.
std::string RetentionText(const v1::RetentionPlan& plan, const Output& output, absl::Time now);

// What was deleted, or would be: the summary of each policy.
std::string AppliedRetentionText(const v1::AppliedRetention& applied, bool dry_run, const Output& output);

}  // namespace backup::ctl
