// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "agent/pipeline/block_pipeline.h"
#include "backup/v1/manifest.pb.h"

namespace backup::agent {

// A stored file is a row of members: gzip members (RFC 1952), zstd frames (RFC 8878), or with codec NONE the text
// itself. Each member is made and read without the others, so that several threads can.

// One thread at a time uses one.
class MemberEncoder {
 public:
  virtual ~MemberEncoder() = default;
  // Fills `stored` with the member that holds all of `plain`.
  virtual absl::Status Encode(Block& block) = 0;
};

// The inverse, as strict as can be: it is there to find damage. One thread at a time uses one.
class MemberDecoder {
 public:
  virtual ~MemberDecoder() = default;
  // Fills `plain`, which must come to `plain_size` bytes, from `stored`, which must be exactly one member as
  // MemberEncoder makes it. CORRUPT, saying what is wrong, otherwise; `plain_size` is then what could be decoded.
  virtual absl::Status Decode(Block& block) = 0;
};

// Levels: gzip 1 to 3 by ISA-L, 4 to 12 by libdeflate; zstd 1 to 19; 0 is the codec's default, 1 for both.
// INVALID_ARGUMENT COMPRESSION_UNSUPPORTED for a codec or level that there is none for.
absl::StatusOr<std::unique_ptr<MemberEncoder>> MakeMemberEncoder(v1::Codec codec, int level);

// Decodes by another library than the one that `level` of MakeMemberEncoder's default encodes with, where there are
// two.
absl::StatusOr<std::unique_ptr<MemberDecoder>> MakeMemberDecoder(v1::Codec codec);

}  // namespace backup::agent
