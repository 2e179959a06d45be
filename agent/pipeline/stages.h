// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace backup::agent {

// The stages that bytes pass through: each takes pieces of any size and hands on what it makes of them. Stages are
// joined from the last to the first; a stage borrows the one behind it. One thread at a time uses a stage.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  // After an error the stage is of no more use.
  virtual absl::Status Write(absl::string_view bytes) = 0;
  // All bytes were written; what the stage holds back goes on. Does not finish the stage behind.
  virtual absl::Status Finish() = 0;
};

// Where a member (an independently decodable part of a stored file) begins.
struct MemberOffset {
  int64_t stored = 0;
  int64_t plain = 0;
  bool operator==(const MemberOffset&) const = default;
};

}  // namespace backup::agent
