// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "agent/config.h"
#include "backup/v1/agent_control_service.pb.h"

namespace backup::agent {

// A controller chooses among what the agent's own file allows, and nothing else. Pure.

// Whether the run can be held and reported at all: its name is a run's and its epoch at least 1.
bool IsNamedRun(const v1::DesiredRun& run);

// The database of the agent's file that `run` is about. Errors are job failures: WRONG_DATABASE when it is another
// agent's or not in the file; INTERNAL when the run asks for something that no agent does: a kind it does not know, a
// malformed name, more than 64 dump processes, a time-out that is negative or above 7 days, a codec it does not know,
// more than 10,000 key tables, more than 1,000 assertions or one above 4 KiB. A RESTORE to
// a server that `targets` do not name is RESTORE_REFUSED.
absl::StatusOr<const DatabaseConfig*> CheckDesiredRun(const v1::DesiredRun& run, absl::string_view agent_id,
                                                      const std::vector<DatabaseConfig>& databases,
                                                      const std::vector<RestoreTargetConfig>& targets);

}  // namespace backup::agent
