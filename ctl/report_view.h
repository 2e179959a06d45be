// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/time/time.h"
#include "backup/v1/report_service.pb.h"
#include "ctl/output.h"

namespace backup::ctl {

// A report for a terminal: what it comes to, a line for each database and policy, and what falls short. With
// `in_detail`, for each database also its longest gap, how its size went, and its drills.
std::string ReportText(const v1::Report& report, bool in_detail, const Output& output, absl::Time now);

}  // namespace backup::ctl
