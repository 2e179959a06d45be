// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>

#include "absl/time/time.h"
#include "server/domain/changes.h"

namespace backup::server {

// What becomes of a run that was given to its agent, of which no attempt is known, and whose start deadline is over,
// when the agent says what it has not done with (UnfinishedRuns) and the run is not among it: the answer that gave it
// out never arrived, or the agent has lost its memory or was refused. Nothing more will be heard of it: LOST and
// PENDING become MISSED, or CANCELLED when that was asked for, so that nobody has to find out by hand. The run
// unchanged and no events for any other run, and for one that is in `unfinished`. Pure.
RunChange DisownRun(const RunView& view, const std::set<std::string>& unfinished, absl::Time now);

}  // namespace backup::server
