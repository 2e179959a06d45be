// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <vector>

#include "absl/time/time.h"
#include "server/domain/not_started.h"
#include "server/domain/schedule.h"

namespace backup::server {

// How far back slots that no plan knew get rows.
inline constexpr absl::Duration kMaxCatchUp = absl::Hours(24 * 400);
// How many of them at most, of one policy, database and kind; the newest.
inline constexpr size_t kMaxCatchUpSlots = 100'000;

// The slots in (after, now]; when there are more than kMaxCatchUpSlots, or some are older than kMaxCatchUp, the newest.
// `left_out` says whether there were others.
std::vector<absl::Time> PastSlots(const Schedule& schedule, absl::Time after, absl::Time now, bool* left_out);

// When a run of some slot may start.
struct StartTimes {
  absl::Time not_before;
  absl::Time deadline;
  // Nothing is free before the deadline.
  bool excluded() const { return not_before >= deadline; }
};

// What becomes of a slot that fell due while nothing planned.
struct PastSlot {
  absl::Time slot;
  v1::RunState state = v1::SCHEDULED;  // Or MISSED, SKIPPED.
  NotStarted why;                      // Unless SCHEDULED.
};

// Judges the first `limit` of `slots` (in order) at `now`: of all of them the newest that can still start is SCHEDULED
// and stands in for all before it, so that an outage ends with one run and not with a burst; the others are MISSED, or
// SKIPPED when the policy is `paused` or nothing might have started. `times` gives a slot's times.
std::vector<PastSlot> JudgePastSlots(const std::vector<absl::Time>& slots, size_t limit,
                                     const std::function<StartTimes(absl::Time)>& times, bool paused, absl::Time now);

}  // namespace backup::server
