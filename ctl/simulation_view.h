// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include "backup/v1/retention.pb.h"
#include "ctl/output.h"

namespace backup::ctl {

// What a simulation comes to, and what exists at its end: the newest `limit` of it, 0 for all that was told.
std::string SimulationText(const v1::RetentionSimulation& simulation, size_t limit, const Output& output);

}  // namespace backup::ctl
