// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "backup/v1/agent.pb.h"
#include "backup/v1/run.pb.h"
#include "server/domain/changes.h"

namespace backup::server {

// Why a run did not start: for programs, and for people.
struct NotStarted {
  v1::NotStartedCause cause = v1::NOT_STARTED_CAUSE_UNSPECIFIED;
  std::string reason;
};

// Whether the run's agent is known to be away: not heard of although this controller has been listening since
// `up_since` for as long as an agent may be silent.
bool IsAway(const std::optional<v1::Agent>& agent, absl::Time up_since, absl::Time now);

// Why a run whose start deadline is over was missed. `advanced`: it became PENDING in time, so that somebody watched.
NotStarted WhyMissed(const v1::Run& run, bool advanced, const std::optional<v1::Agent>& agent, absl::Time up_since,
                     absl::Time now);
// Why a run within its start deadline gives way to the slot of `later`.
NotStarted WhyOvertaken(const v1::Run& run, const v1::Run& later, const std::optional<v1::Agent>& agent,
                        absl::Time up_since, absl::Time now);

// Why a slot that no plan knew, and that is over or has a later one to stand in for it, did not run.
NotStarted WhyNotPlanned();
NotStarted WhyStoodInFor(absl::Time later_slot);
// SKIPPED by rule.
NotStarted WhyPaused();
NotStarted WhyExcluded();
NotStarted WhyOverlap(const std::string& working);

// `run` ended at `now` without being started, as its `cause` says: MISSED, SKIPPED or CANCELLED. One that was tried
// before, failed and is not CANCELLED is FAILED for the cause of that: no attempt followed. With the event.
RunChange EndNotStarted(v1::Run run, v1::RunState state, const NotStarted& why, absl::Time now);

}  // namespace backup::server
