// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "agent/pipeline/hash128.h"
#include "backup/v1/manifest.pb.h"

namespace backup::agent {

// Counts and hashes the rows of one COPY block in text format (PostgreSQL manual, COPY): one line is one row, a line
// that is `\.` ends the block. Rows may be of any size and come in arbitrary pieces; memory stays constant.
class CopyRows {
 public:
  // Begins a block.
  void Begin();
  // Takes rows from the front of `input`; true when the block's end was among them (`input` then begins after it).
  bool Take(absl::string_view* input);
  // What has passed since Begin: row_count, plain_bytes and content_hash of `facts`. Whole rows only.
  void Report(v1::TableFacts* facts) const;

  int64_t row_count() const { return row_count_; }

 private:
  void AddRow(const Hash128& hash, int64_t size);

  Hasher128 partial_;  // Of the row that has begun in an input before.
  int64_t partial_bytes_ = 0;
  char partial_begin_[2] = {};  // Its first bytes.
  int64_t row_count_ = 0;
  int64_t plain_bytes_ = 0;
  Hash128 sum_;  // Of all rows' hashes, modulo 2^128.
};

}  // namespace backup::agent
