// SPDX-License-Identifier: Apache-2.0
#include "server/loops/compactor.h"

#include <algorithm>
#include <utility>

#include "base/units.h"
#include "server/domain/history.h"

namespace backup::server {
namespace {

constexpr absl::Duration kLargestStep = absl::Hours(1);

}  // namespace

Compactor::Compactor(Store& store, Clock& clock, CompactorOptions options)
    : store_(store),
      clock_(clock),
      options_(std::move(options)),
      next_pass_(clock.Monotonic() + options_.period),
      last_wall_time_(clock.Now()),
      last_time_(clock.Monotonic()),
      failure_log_(absl::Minutes(1)) {}

absl::Duration Compactor::RunOnce() {
  if (phase_ == Phase::kWaiting) {
    const absl::Duration left = next_pass_ - clock_.Monotonic();
    if (left > absl::ZeroDuration()) {
      return left;
    }
    Begin();
  }
  return phase_ == Phase::kWaiting ? options_.period : Step();
}

void Compactor::Begin() {
  const absl::Time now = clock_.Now();
  const absl::Duration time = clock_.Monotonic();
  const absl::Duration stepped = (now - last_wall_time_) - (time - last_time_);
  last_wall_time_ = now;
  last_time_ = time;
  next_pass_ = time + options_.period;
  if (absl::AbsDuration(stepped) > kLargestStep || options_.clock_jumped()) {
    LogWarning("the wall clock has stepped; the history is left as it is until it goes evenly", {{"step", stepped}});
    return;
  }
  phase_ = Phase::kRuns;
  before_ = HistoryBegin(options_.history_age, now);
  from_.clear();
  run_count_ = 0;
  event_count_ = 0;
}

absl::Duration Compactor::Step() {
  const bool runs = phase_ == Phase::kRuns;
  const absl::StatusOr<Compaction> done =
      runs ? store_.CompactRuns(before_, from_, options_.batch) : store_.CompactEvents(before_, from_, options_.batch);
  if (!done.ok()) {
    if (int64_t suppressed = 0; failure_log_.ShouldLog(clock_.Monotonic(), &suppressed)) {
      LogWarning("cannot compact the history", {{"suppressed", suppressed}, {"error", done.status()}});
    }
    return options_.backoff;
  }
  (runs ? run_count_ : event_count_) += done->removed_count;
  from_ = done->next;
  if (!from_.empty()) {
    return options_.pause;
  }
  if (runs) {
    phase_ = Phase::kEvents;
    return options_.pause;
  }
  phase_ = Phase::kWaiting;
  if (run_count_ + event_count_ > 0) {
    LogInfo("compacted the history",
            {{"before", FormatRfc3339(before_)}, {"runs", run_count_}, {"events", event_count_}});
  }
  return std::max(next_pass_ - clock_.Monotonic(), options_.pause);
}

}  // namespace backup::server
