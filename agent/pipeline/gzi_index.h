// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "agent/pipeline/stages.h"

namespace backup::agent {

// The index that `bgzip -i` writes (htslib, bgzf_index_dump): a count, then (stored offset, plain offset) of every
// member but the first, which begins at (0, 0); all unsigned 64-bit little endian.
std::string FormatGziIndex(const std::vector<MemberOffset>& members);

// The inverse, the first member included. CORRUPT for a wrong length or offsets that do not grow.
absl::StatusOr<std::vector<MemberOffset>> ParseGziIndex(absl::string_view bytes);

}  // namespace backup::agent
