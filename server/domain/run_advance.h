// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "absl/time/time.h"
#include "backup/v1/agent.pb.h"
#include "server/domain/changes.h"

namespace backup::server {

// What AdvanceRun knows beside the catalog.
struct AdvanceContext {
  absl::Time now;
  // Since when this controller has been watching without a break. What was due before, nobody watched; and agents get
  // some time after it to be heard of again.
  absl::Time up_since = absl::InfinitePast();
  // The fleet has a limit of runs at once: what falls due waits for a place.
  bool fleet_is_limited = false;
};

// What time alone does to a run; `agent` is the one that owns the database, if known. The run unchanged and no events
// when nothing is due.
//
//   SCHEDULED, not_before reached -> SKIPPED when its policy is paused, when nothing may start until its deadline, when
//                                    the run before still works and overlap is SKIP, or when it is a DRILL without a
//                                    good backup to restore; else PENDING, a DRILL with the newest good backup, and
//                                    held back when the policy or the fleet has a limit of runs at once
//   PENDING, policy paused        -> SKIPPED
//   PENDING, a later slot is due  -> MISSED, so that one waits at most; SKIPPED when it waited for the run before
//   PENDING, start deadline over  -> MISSED, or SKIPPED when it waited for the run before; LOST when the agent holds
//   it,
//                                    since then it may have started; CANCELLED when that was asked for and the agent is
//                                    heard of
//   RUNNING, lease over           -> LOST
//
// A run that failed before and waits for its next attempt becomes FAILED where others become MISSED or SKIPPED.
// Runs asked for by hand are never SKIPPED, nor is one that a silent agent holds: it may work on it, and its success
// must find a row that takes it. What an agent holds gives way to no later slot, and to no run before: the agent knows
// better. An agent that is heard of gets a minute after the deadline to report itself; any agent gets kAgentSilence
// after up_since.
RunChange AdvanceRun(const RunView& view, const std::optional<v1::Agent>& agent, const AdvanceContext& context);

}  // namespace backup::server
