// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/mutex.h"
#include "base/random.h"

namespace backup::testing {

// The same numbers for the same seed, on every machine (SplitMix64). Thread-safe.
class FakeRandom : public Random {
 public:
  explicit FakeRandom(uint64_t seed = 1) : state_(seed) {}

  uint64_t Next() override {
    MutexLock lock(mu_);
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

 private:
  Mutex mu_;
  uint64_t state_ ABSL_GUARDED_BY(mu_);
};

}  // namespace backup::testing
