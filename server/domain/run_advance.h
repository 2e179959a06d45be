// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "absl/time/time.h"
#include "backup/v1/agent.pb.h"
#include "server/domain/changes.h"

namespace backup::server {

// What time alone does to a run; `agent` is the one that owns the database, if known. The run unchanged and no events
// when nothing is due.
//
//   SCHEDULED, not_before reached -> SKIPPED when its policy is paused, or when the run before still works and overlap
//   is
//                                    SKIP, or when it is a DRILL without a good backup to restore; else PENDING, a
//                                    DRILL with the newest good backup
//   PENDING, policy paused        -> SKIPPED
//   PENDING, start deadline over  -> MISSED; LOST when the agent holds it, since then it may have started; CANCELLED
//   when
//                                    that was asked for and the agent is heard of
//   RUNNING, lease over           -> LOST
//
// Runs asked for by hand are never SKIPPED, nor is one that a silent agent holds: it may work on it, and its success
// must find a row that takes it. An agent that is heard of gets a minute after the deadline to report itself.
RunChange AdvanceRun(const RunView& view, const std::optional<v1::Agent>& agent, absl::Time now);

}  // namespace backup::server
