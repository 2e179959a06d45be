// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/types/span.h"
#include "backup/v1/agent_control_service.pb.h"
#include "backup/v1/run.pb.h"

namespace backup::server {

// What an agent should hold, from its open runs: `runs` (SCHEDULED and PENDING, soonest first and deletions last, at
// most 900 KiB so that the answer stays below 1 MiB; a DRILL only once it is due, and with `only_due` every run by
// schedule; none that is held back, or that nothing lets start before its deadline), `cancel_runs` (those asked to be
// cancelled, and `refused_attempts`; sorted; one that is not started stands in both, and the agent answers for it) and
// `revision`, a hash of both: equal sets give equal revisions, in any order of `open_runs`. Other fields stay unset.
v1::SyncResponse BuildDesiredSet(absl::Span<const v1::Run> open_runs, absl::Span<const std::string> refused_attempts,
                                 bool only_due = false);

}  // namespace backup::server
