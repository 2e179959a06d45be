// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/pipeline/stages.h"
#include "backup/v1/manifest.pb.h"

namespace backup::agent {

// The inverse of an Encoder, as strict as can be: it is there to find damage. Errors are CORRUPT and name the offset in
// the stored bytes.
class Decoder : public ByteSink {
 public:
  // Members whose first byte was seen.
  virtual const std::vector<MemberOffset>& members() const = 0;
  virtual int64_t plain_bytes() const = 0;
};

// Gives at most `max_plain_bytes` (CORRUPT beyond, before more is decoded), so that a small file cannot fill memory or
// time. `output` is borrowed. INVALID_ARGUMENT COMPRESSION_UNSUPPORTED for a codec that there is none for.
absl::StatusOr<std::unique_ptr<Decoder>> MakeDecoder(v1::Codec codec, int64_t max_plain_bytes, ByteSink* output);

}  // namespace backup::agent
