// SPDX-License-Identifier: Apache-2.0
#include "agent/backoff.h"

#include <algorithm>

namespace backup::agent {
namespace {

constexpr absl::Duration kFirst = absl::Seconds(1);
constexpr absl::Duration kMost = absl::Seconds(60);
constexpr double kFactor = 1.6;
constexpr double kJitter = 0.2;

}  // namespace

absl::Duration Backoff::Next() {
  base_ = base_ == absl::ZeroDuration() ? kFirst : std::min(base_ * kFactor, kMost);
  const double unit = static_cast<double>(random_.Next() >> 11) / static_cast<double>(uint64_t{1} << 53);  // [0, 1)
  return base_ * (1 - kJitter + 2 * kJitter * unit);
}

}  // namespace backup::agent
