// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace backup::bench {

// How long something took, many times over.
class Latency {
 public:
  explicit Latency(std::string what) : what_(std::move(what)) {}

  // Times one call.
  absl::Status Time(const std::function<absl::Status()>& call);
  void Add(absl::Duration duration) { durations_.push_back(duration); }
  void Add(const Latency& other);

  // Of the calls so far; 0 to 1.
  absl::Duration Quantile(double of) const;
  // A row of the table: what, calls, p50, p99, greatest, the limit, and whether it holds.
  std::string Row(absl::Duration limit) const;
  static std::string Header();

 private:
  std::string what_;
  std::vector<absl::Duration> durations_;
};

}  // namespace backup::bench
