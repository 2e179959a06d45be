// SPDX-License-Identifier: Apache-2.0
#include "server/domain/planned_starts.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/proto_json.h"
#include "base/status_macros.h"

namespace backup::server {
namespace {

constexpr int kMostSpans = 100'000;

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

void PlannedStarts::Advance() {
  const absl::Time before = next_;
  for (int i = 0; i < kMostSpans; ++i) {
    slot_ = schedule_.NextSlot(slot_);
    ++work_;
    next_ = slot_;
    if (slot_ == absl::InfiniteFuture()) return;
    const absl::Time deadline = slot_ + start_deadline_;
    if (exclusions_.empty() || !IsExcluded(slot_, deadline)) {
      if (next_ > before) return;
    } else if (span_.end < deadline) {
      next_ = span_.end;
      // All that wait in this span start with it.
      slot_ = std::max(slot_, span_.end - absl::Nanoseconds(1));
      if (next_ > before) return;
    } else {
      // Nor do others to which the span leaves no time.
      slot_ = std::max(slot_, span_.end - start_deadline_);
    }
  }
  next_ = absl::InfiniteFuture();
}

bool PlannedStarts::IsExcluded(absl::Time slot, absl::Time until) {
  const auto look = [&](absl::Time from, ExcludedSpan& span) {
    const std::vector<ExcludedSpan> spans = exclusions_.Between(from, until, 1);
    if (spans.empty()) {
      ++work_;
      return false;
    }
    span = spans[0];
    work_ += 1 + (span.end - std::max(from, span.begin)) / exclusions_.shortest();
    return true;
  };
  if (span_.end <= slot && !look(slot, span_)) return false;
  if (span_.begin > slot) return false;
  // What is known of it may end where an earlier look did.
  ExcludedSpan more;
  while (span_.end < until && look(span_.end, more) && more.begin <= span_.end) span_.end = more.end;
  return true;
}

}  // namespace backup::server
