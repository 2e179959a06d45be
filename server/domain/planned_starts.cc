// SPDX-License-Identifier: Apache-2.0
#include "server/domain/planned_starts.h"

#include <utility>

#include "base/proto_json.h"
#include "base/status_macros.h"

namespace backup::server {
namespace {

constexpr int64_t kMostSlots = 100'000;

}  // namespace

absl::StatusOr<PlannedStarts> PlannedStarts::Create(const v1::ScheduleSpec& spec, absl::Time after) {
  ASSIGN_OR_RETURN(Schedule schedule, Schedule::Create(spec));
  ASSIGN_OR_RETURN(Exclusions exclusions, Exclusions::Create(spec));
  return PlannedStarts(std::move(schedule), std::move(exclusions), ToAbsl(spec.start_deadline()), after);
}

PlannedStarts::PlannedStarts(Schedule schedule, Exclusions exclusions, absl::Duration start_deadline, absl::Time after)
    : schedule_(std::move(schedule)),
      exclusions_(std::move(exclusions)),
      start_deadline_(start_deadline),
      // One of before may wait.
      slot_(exclusions_.empty() ? after : after - start_deadline),
      next_(after) {
  Advance();
}

int64_t PlannedStarts::Advance() {
  const absl::Time before = next_;
  for (int64_t count = 1; count <= kMostSlots; ++count) {
    slot_ = schedule_.NextSlot(slot_);
    if (slot_ == absl::InfiniteFuture()) {
      next_ = slot_;
      return count;
    }
    next_ = StartOf(slot_);
    if (next_ != absl::InfiniteFuture() && next_ > before) return count;
  }
  next_ = absl::InfiniteFuture();
  return kMostSlots;
}

absl::Time PlannedStarts::StartOf(absl::Time slot) const {
  if (exclusions_.empty()) return slot;
  const absl::Time deadline = slot + start_deadline_;
  const absl::Time start = FirstStart(exclusions_.Between(slot, deadline), slot, absl::ZeroDuration(), deadline);
  return start < deadline ? start : absl::InfiniteFuture();
}

}  // namespace backup::server
