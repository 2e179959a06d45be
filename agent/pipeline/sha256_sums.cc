// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/sha256_sums.h"

#include "absl/strings/str_cat.h"
#include "agent/pipeline/job_failure.h"

namespace backup::agent {

std::string FormatSums(const std::map<std::string, std::string>& sums) {
  std::string text;
  for (const auto& [name, sum] : sums) {
    absl::StrAppend(&text, sum, "  ", name, "\n");
  }
  return text;
}

absl::StatusOr<std::map<std::string, std::string>> ParseSums(absl::string_view text) {
  std::map<std::string, std::string> sums;
  size_t position = 0;
  while (position < text.size()) {
    const size_t end = text.find('\n', position);
    const absl::string_view line = text.substr(position, end == absl::string_view::npos ? end : end - position);
    const size_t digits = line.find_first_not_of("0123456789abcdef");
    const bool well_formed =
        end != absl::string_view::npos && digits == 64 && line.substr(64, 2) == "  " && line.size() > 66;
    const std::string name = well_formed ? std::string(line.substr(66)) : "";
    // Names in order and once: what sorts before the last one was not written by us.
    if (!well_formed || (!sums.empty() && name <= sums.rbegin()->first)) {
      return JobError(v1::CORRUPT, absl::StrCat(kSumsFile, ": at offset ", position, ": not a line of sums"));
    }
    sums[name] = std::string(line.substr(0, 64));
    position = end + 1;
  }
  return sums;
}

}  // namespace backup::agent
