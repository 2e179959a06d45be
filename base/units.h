// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace backup {

// Text forms of quantities, as policy files, flags and tables use them. Parse gives INVALID_ARGUMENT with what is
// accepted; every Parse accepts what its Format writes.

// Non-negative: one or more of `<integer><w|d|h|m|s|ms>` from large to small, each unit once, blanks between allowed:
// "30d", "1h30m", "6h 10m"; at most 3652500d. A bare number is refused, except "0". A day is 24 h.
absl::StatusOr<absl::Duration> ParseDuration(absl::string_view text);
// Negative ones read "0s", longer ones than 10,000 years are cut to that. Write backup::FormatDuration in full: without
// it absl's function of the same name is meant too.
std::string FormatDuration(absl::Duration duration);

// Bytes: `<integer or decimal><B|KiB|MiB|GiB|TiB|kB|MB|GB|TB>` or a bare integer; at most 2^62.
absl::StatusOr<int64_t> ParseSize(absl::string_view text);
// For people: "1.4 MiB", "812 B".
std::string FormatSize(int64_t bytes);
// Exact, so that ParseSize gives it back: "1KiB", "100MiB", "1500B".
std::string FormatSizeExact(int64_t bytes);

// 0 to 1000000 with "%": "50%".
absl::StatusOr<int32_t> ParsePercent(absl::string_view text);

// "3m ago", "in 4h", "just now" (within a second): the largest whole unit up to days. "never" for an infinite time.
std::string FormatRelative(absl::Time time, absl::Time now);
// RFC 3339 in UTC with seconds: "2026-11-23T22:00:00Z".
std::string FormatRfc3339(absl::Time time);

}  // namespace backup
