// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "backup/v1/policy.pb.h"
#include "backup/v1/policy_service.pb.h"
#include "ctl/output.h"
#include "ctl/table.h"

namespace backup::ctl {

// A line for each policy.
Table PolicyTable(const std::vector<v1::Policy>& policies, absl::Time now);

// A line for each slot that is to come.
Table SlotTable(const v1::PreviewPolicyResponse& preview, absl::Time now);

// Everything about one policy: what the controller knows of it, then the policy as a file.
std::string DescribePolicy(const v1::Policy& policy, const Output& output, absl::Time now);

}  // namespace backup::ctl
