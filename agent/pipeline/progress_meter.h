// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/time/time.h"
#include "agent/pipeline/job.h"
#include "backup/v1/run.pb.h"
#include "base/clock.h"
#include "base/mutex.h"

namespace backup::agent {

struct ProgressCounts {
  int64_t plain_bytes = 0;
  int64_t stored_bytes = 0;
  int64_t row_count = 0;
  int32_t tables_done = 0;
};

// Tells an observer how a job goes: at once when the phase changes, otherwise at most ten times a second. Thread-safe.
class ProgressMeter {
 public:
  // Both are borrowed.
  ProgressMeter(JobObserver& observer, Clock& clock) : observer_(observer), clock_(clock) {}

  void SetEstimate(int64_t estimated_plain_bytes, int32_t table_count);
  void SetPhase(v1::RunPhase phase);
  // True when the observer would be told now: counting is cheap, but not free.
  bool IsDue() const;
  void Update(int64_t plain_bytes, int64_t stored_bytes, int64_t row_count, int32_t tables_done);
  // Adds to what was told: for streams that work side by side.
  void Add(const ProgressCounts& more);
  // Tells what is known, in any case: the last figures of a phase.
  void TellNow();

 private:
  void Tell(absl::Duration period);

  JobObserver& observer_;
  Clock& clock_;
  mutable Mutex mu_;
  v1::Progress progress_ ABSL_GUARDED_BY(mu_);
  absl::Duration told_ ABSL_GUARDED_BY(mu_) = -absl::InfiniteDuration();
};

}  // namespace backup::agent
