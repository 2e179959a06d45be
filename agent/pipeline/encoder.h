// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "agent/pipeline/stages.h"
#include "backup/v1/manifest.pb.h"

namespace backup::agent {

// A member holds about this much plain text; it ends with a whole line where lines are not longer than this.
inline constexpr int64_t kMemberPlainBytes = 1 << 20;

// `level` 1 to 3 trades speed for size; 0 means the default, 1. `output` is borrowed. INVALID_ARGUMENT
// COMPRESSION_UNSUPPORTED for a codec or level that there is none for.
absl::StatusOr<std::unique_ptr<Encoder>> MakeEncoder(v1::Codec codec, int level, ByteSink* output);

// The ending that a stored file has: ".gz", or "" for NONE.
const char* FileExtension(v1::Codec codec);

}  // namespace backup::agent
