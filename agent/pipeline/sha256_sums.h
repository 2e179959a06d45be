// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace backup::agent {

// The file SHA256SUMS, as sha256sum (coreutils) writes it and `sha256sum -c` reads it: lines `<64 hex digits>  <name>`.
inline constexpr char kSumsFile[] = "SHA256SUMS";

// `sums` is by file name; names must hold no line end or backslash (ours do not).
std::string FormatSums(const std::map<std::string, std::string>& sums);

// Strict: CORRUPT, naming the offset, for anything FormatSums cannot have made.
absl::StatusOr<std::map<std::string, std::string>> ParseSums(absl::string_view text);

}  // namespace backup::agent
