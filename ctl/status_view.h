// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/time/time.h"
#include "backup/v1/fleet_service.pb.h"
#include "ctl/output.h"

namespace backup::ctl {

// The whole at a glance: a summary, databases (the worst first, as the controller orders them), agents, active runs.
std::string StatusText(const v1::FleetStatus& status, const Output& output, absl::Time now);

// What is not told of a fleet that is too large, and where it is; "" when everything is told.
std::string DatabasesLeftOut(const v1::FleetStatus& status);

// What a person does next in a fleet that is not set up yet: enrol an agent, write a policy, make a first backup. ""
// when nothing is missing.
std::string NextStep(const v1::FleetStatus& status);

}  // namespace backup::ctl
