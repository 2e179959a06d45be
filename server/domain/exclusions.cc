// SPDX-License-Identifier: Apache-2.0
#include "server/domain/exclusions.h"

#include <algorithm>
#include <utility>

#include "base/errors.h"
#include "base/proto_json.h"
#include "base/status_macros.h"
#include "server/domain/time_zone.h"

namespace backup::server {
namespace {

constexpr absl::Duration kLeastDuration = absl::Minutes(1);
constexpr absl::Duration kGreatestDuration = absl::Hours(7 * 24);

const ExcludedSpan* SpanAt(absl::Span<const ExcludedSpan> spans, absl::Time time) {
  const auto span = std::find_if(spans.begin(), spans.end(),
                                 [time](const ExcludedSpan& s) { return s.begin <= time && time < s.end; });
  return span == spans.end() ? nullptr : &*span;
}

}  // namespace

absl::StatusOr<Exclusions> Exclusions::Create(const v1::ScheduleSpec& spec) {
  Exclusions exclusions;
  ASSIGN_OR_RETURN(exclusions.zone_, FindTimeZone(spec.time_zone()));
  for (const v1::ExclusionWindow& window : spec.not_during()) {
    ASSIGN_OR_RETURN(CronSchedule cron, CronSchedule::Parse(window.cron()));
    const absl::Duration duration = ToAbsl(window.duration());
    if (duration < kLeastDuration || duration > kGreatestDuration) {
      return MakeError(absl::StatusCode::kInvalidArgument, "SCHEDULE_INVALID",
                       "a span in which nothing may start lasts 1m to 7d");
    }
    exclusions.windows_.push_back({std::move(cron), absl::Trunc(duration, absl::Seconds(1))});
  }
  return exclusions;
}

absl::Duration Exclusions::shortest() const {
  absl::Duration shortest = absl::InfiniteDuration();
  for (const Window& window : windows_) shortest = std::min(shortest, window.duration);
  return shortest;
}

bool Exclusions::NextSpan(absl::Time from, absl::Time to, ExcludedSpan& span) const {
  span = {absl::InfiniteFuture(), absl::InfinitePast()};
  for (const Window& window : windows_) {
    // The first that is not over at `from`.
    const absl::Time begin = window.cron.Next(from - window.duration, zone_);
    if (begin < span.begin) {
      span = {begin, begin + window.duration};
    }
  }
  if (span.begin >= to) {
    return false;
  }
  for (bool grown = true; grown && span.end < to;) {
    grown = false;
    for (const Window& window : windows_) {
      // A begin near the span's end takes it furthest; there may be many before it that add nothing.
      absl::Time begin = window.cron.Next(span.end - window.duration / 2, zone_);
      if (begin > span.end) {
        begin = window.cron.Next(span.end - window.duration, zone_);
      }
      if (begin <= span.end && begin + window.duration > span.end) {
        span.end = begin + window.duration;
        grown = true;
      }
    }
  }
  return true;
}

std::vector<ExcludedSpan> Exclusions::Between(absl::Time from, absl::Time to, size_t max_count) const {
  std::vector<ExcludedSpan> spans;
  ExcludedSpan span;
  while (spans.size() < max_count && NextSpan(from, to, span)) {
    spans.push_back(span);
    from = span.end;
  }
  return spans;
}

absl::Time FirstStart(absl::Span<const ExcludedSpan> spans, absl::Time slot, absl::Duration jitter,
                      absl::Time deadline) {
  const absl::Time start = slot + jitter;
  const ExcludedSpan* span = SpanAt(spans, start);
  if (span == nullptr) {
    return start;
  }
  // The jitter counts anew: all that waited would begin at once otherwise.
  const absl::Time spread = span->end + jitter;
  if (spread < deadline && SpanAt(spans, spread) == nullptr) {
    return spread;
  }
  return std::min(span->end, deadline);
}

}  // namespace backup::server
