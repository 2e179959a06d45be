// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "ctl/exit_code.h"
#include "ctl/session.h"

namespace backup::ctl {

// Prints the run's log to stdout: "time  text" lines, or RunLogLine messages with -o json ({"lines": [...]}) and jsonl.
// With `follow` it goes on until the run has ended.
absl::StatusOr<ExitCode> PrintRunLogs(Session& session, const std::string& name, bool follow);

}  // namespace backup::ctl
