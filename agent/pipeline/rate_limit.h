// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "absl/time/time.h"
#include "base/mutex.h"

namespace backup::agent {

// Holds streams that work side by side below a common rate. Thread-safe; never waits itself.
class RateLimit {
 public:
  // 0: no limit.
  explicit RateLimit(int64_t bytes_per_second) : bytes_per_second_(bytes_per_second) {}

  // Takes note that `bytes` were moved at `now`, of a clock that does not step back; how long whoever moved them is to
  // wait before the next. What was not used before is not made up for.
  absl::Duration Take(int64_t bytes, absl::Duration now);

 private:
  const int64_t bytes_per_second_;
  Mutex mu_;
  absl::Duration paid_until_ ABSL_GUARDED_BY(mu_) = -absl::InfiniteDuration();
};

}  // namespace backup::agent
