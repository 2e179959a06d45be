// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/time/time.h"
#include "base/random.h"

namespace backup::agent {

// How long to wait after a failed call: 1 s, then 1.6 times the last up to 60 s, each drawn anew within ±20 %, so that
// a fleet that lost its controller does not come back in step.
//
// Not thread-safe; `random` must outlive it.
class Backoff {
 public:
  explicit Backoff(Random& random) : random_(random) {}

  // The wait after one more failure.
  absl::Duration Next();
  // After a success.
  void Reset() { base_ = absl::ZeroDuration(); }

 private:
  Random& random_;
  absl::Duration base_;
};

}  // namespace backup::agent
