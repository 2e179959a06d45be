// SPDX-License-Identifier: Apache-2.0
#include "server/domain/past_slots.h"

#include <algorithm>
#include <deque>

namespace backup::server {

std::vector<absl::Time> PastSlots(const Schedule& schedule, absl::Time after, absl::Time now, bool* left_out) {
  const absl::Time oldest = now - kMaxCatchUp;
  *left_out = after < oldest && schedule.NextSlot(after) <= oldest;
  std::deque<absl::Time> slots;
  for (absl::Time slot = schedule.NextSlot(std::max(after, oldest)); slot <= now; slot = schedule.NextSlot(slot)) {
    slots.push_back(slot);
    if (slots.size() > kMaxCatchUpSlots) {
      slots.pop_front();
      *left_out = true;
    }
  }
  return {slots.begin(), slots.end()};
}

std::vector<PastSlot> JudgePastSlots(const std::vector<absl::Time>& slots, size_t limit,
                                     const std::function<StartTimes(absl::Time)>& times, bool paused, absl::Time now) {
  absl::Time stand_in = absl::InfinitePast();
  for (size_t i = slots.size(); i-- > 0 && !paused;) {
    const StartTimes start = times(slots[i]);
    if (start.deadline <= now) {
      break;  // And so are all before it.
    }
    if (!start.excluded()) {
      stand_in = slots[i];
      break;
    }
  }
  std::vector<PastSlot> judged(std::min(limit, slots.size()));
  for (size_t i = 0; i < judged.size(); ++i) {
    PastSlot& slot = judged[i];
    slot.slot = slots[i];
    if (slot.slot == stand_in) {
      continue;
    }
    const StartTimes start = times(slot.slot);
    if (paused || start.excluded()) {
      slot.state = v1::SKIPPED;
      slot.why = paused ? WhyPaused() : WhyExcluded();
    } else {
      slot.state = v1::MISSED;
      slot.why = start.deadline <= now ? WhyNotPlanned() : WhyStoodInFor(stand_in);
    }
  }
  return judged;
}

}  // namespace backup::server
