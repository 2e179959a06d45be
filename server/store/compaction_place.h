// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string>

#include "absl/status/statusor.h"
#include "backup/v1/run.pb.h"
#include "server/store/page_token.h"

namespace backup::server {

// Compaction goes through ended runs kind by kind and state by state, each from the oldest slot on.
struct RunCompactionPlace {
  v1::RunKind kind = v1::BACKUP;
  v1::RunState state = v1::SUCCEEDED;
  TimePlace after;  // The last run that was looked at.
};

// States of a run that say whether its database can be backed up.
inline constexpr std::array<v1::RunState, 4> kStatesThatTell = {v1::SUCCEEDED, v1::FAILED, v1::LOST, v1::MISSED};

// Text for Compaction::next, and what it says; "" is the beginning. INVALID_ARGUMENT PAGE_TOKEN_INVALID.
std::string FormatRunCompactionPlace(const RunCompactionPlace& place);
absl::StatusOr<RunCompactionPlace> ParseRunCompactionPlace(const std::string& text);
// The beginning of the next kind and state; "" after the last.
std::string NextRunCompactionStream(const RunCompactionPlace& place);

}  // namespace backup::server
