// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "backup/v1/manifest.pb.h"

struct XXH3_state_s;

namespace backup::agent {

// Counts and hashes the rows of one COPY block in text format (PostgreSQL manual, COPY): one line is one row, a line
// that is `\.` ends the block. Rows may be of any size and come in arbitrary pieces; memory stays constant.
class CopyRows {
 public:
  CopyRows();
  ~CopyRows();
  CopyRows(const CopyRows&) = delete;
  CopyRows& operator=(const CopyRows&) = delete;

  // Begins a block.
  void Begin();
  // Takes rows from the front of `input`; true when the block's end was among them (`input` then begins after it).
  bool Take(absl::string_view* input);
  // What has passed since Begin: row_count, plain_bytes and content_hash of `facts`. Whole rows only.
  void Report(v1::TableFacts* facts) const;

  int64_t row_count() const { return row_count_; }

 private:
  void AddRow(uint64_t high, uint64_t low, int64_t size);

  struct FreeState {
    void operator()(XXH3_state_s* state) const;
  };
  std::unique_ptr<XXH3_state_s, FreeState> partial_;  // Hash of the row that has begun in an input before.
  int64_t partial_bytes_ = 0;
  char partial_begin_[2] = {};  // Its first bytes.
  int64_t row_count_ = 0;
  int64_t plain_bytes_ = 0;
  uint64_t sum_high_ = 0;  // The sum of all rows' hashes modulo 2^128.
  uint64_t sum_low_ = 0;
};

}  // namespace backup::agent
