// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/rate_limit.h"

#include <gtest/gtest.h>

namespace backup::agent {
namespace {

constexpr int64_t kMiB = 1 << 20;

TEST(RateLimitTest, WithoutALimitNobodyWaits) {
  RateLimit limit(0);
  EXPECT_EQ(limit.Take(100 * kMiB, absl::Seconds(1)), absl::ZeroDuration());
  EXPECT_EQ(limit.Take(100 * kMiB, absl::Seconds(1)), absl::ZeroDuration());
}

TEST(RateLimitTest, StreamsShareTheRate) {
  RateLimit limit(10 * kMiB);
  EXPECT_EQ(limit.Take(kMiB, absl::Seconds(5)), absl::Milliseconds(100));
  // Another stream, at the same time: its bytes come after those.
  EXPECT_EQ(limit.Take(kMiB, absl::Seconds(5)), absl::Milliseconds(200));
  EXPECT_EQ(limit.Take(kMiB, absl::Seconds(5) + absl::Milliseconds(100)), absl::Milliseconds(200));
}

TEST(RateLimitTest, APauseIsNotMadeUpFor) {
  RateLimit limit(10 * kMiB);
  limit.Take(kMiB, absl::Seconds(5));
  EXPECT_EQ(limit.Take(kMiB, absl::Seconds(60)), absl::Milliseconds(100));
}

}  // namespace
}  // namespace backup::agent
