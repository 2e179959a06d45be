// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/latency.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "base/clock.h"

namespace backup::bench {
namespace {

std::string Milliseconds(absl::Duration duration) {
  return absl::StrFormat("%.1f", absl::ToDoubleMilliseconds(duration));
}

}  // namespace

absl::Status Latency::Time(const std::function<absl::Status()>& call) {
  const absl::Duration start = Clock::Real().Monotonic();
  const absl::Status status = call();
  durations_.push_back(Clock::Real().Monotonic() - start);
  return status;
}

void Latency::Add(const Latency& other) {
  durations_.insert(durations_.end(), other.durations_.begin(), other.durations_.end());
}

absl::Duration Latency::Quantile(double of) const {
  if (durations_.empty()) return absl::ZeroDuration();
  std::vector<absl::Duration> sorted = durations_;
  std::sort(sorted.begin(), sorted.end());
  const auto rank = static_cast<size_t>(of * static_cast<double>(sorted.size()));
  return sorted[std::min(rank, sorted.size() - 1)];
}

std::string Latency::Header() {
  return "| what | calls | p50 | p99 | greatest | at most | |\n|---|---|---|---|---|---|---|";
}

std::string Latency::Row(absl::Duration limit) const {
  const absl::Duration p99 = Quantile(0.99);
  const bool limited = limit != absl::InfiniteDuration();
  return absl::StrFormat("| %s | %d | %s ms | %s ms | %s ms | %s | %s |", what_, durations_.size(),
                         Milliseconds(Quantile(0.5)), Milliseconds(p99), Milliseconds(Quantile(1)),
                         limited ? Milliseconds(limit) + " ms" : "", !limited || p99 <= limit ? "" : "missed");
}

}  // namespace backup::bench
