// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "backup/v1/agent.pb.h"
#include "ctl/output.h"
#include "ctl/table.h"

namespace backup::ctl {

// A line for each agent.
Table AgentTable(const std::vector<v1::Agent>& agents, absl::Time now);
// Everything about one agent and its databases.
std::string DescribeAgent(const v1::Agent& agent, const std::vector<v1::Database>& databases, const Output& output,
                          absl::Time now);

// A line for each database; those that no policy covers are marked.
Table DatabaseTable(const std::vector<v1::Database>& databases, absl::Time now);

}  // namespace backup::ctl
