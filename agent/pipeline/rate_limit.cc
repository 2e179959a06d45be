// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/rate_limit.h"

#include <algorithm>

namespace backup::agent {

absl::Duration RateLimit::Take(int64_t bytes, absl::Duration now) {
  if (bytes_per_second_ <= 0) {
    return absl::ZeroDuration();
  }
  MutexLock lock(mu_);
  paid_until_ =
      std::max(paid_until_, now) + absl::Seconds(static_cast<double>(bytes) / static_cast<double>(bytes_per_second_));
  return paid_until_ - now;
}

}  // namespace backup::agent
