// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/copy_rows.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/str_format.h"

namespace backup::agent {
namespace {

bool IsEndMark(const char* line, int64_t size) { return size == 2 && line[0] == '\\' && line[1] == '.'; }

}  // namespace

void CopyRows::FreeState::operator()(XXH3_state_s* state) const { XXH3_freeState(state); }

CopyRows::CopyRows() : partial_(XXH3_createState()) {}
CopyRows::~CopyRows() = default;

void CopyRows::Begin() {
  partial_bytes_ = row_count_ = plain_bytes_ = 0;
  sum_high_ = sum_low_ = 0;
}

void CopyRows::AddRow(uint64_t high, uint64_t low, int64_t size) {
  sum_low_ += low;
  sum_high_ += high + (sum_low_ < low ? 1 : 0);
  ++row_count_;
  plain_bytes_ += size + 1;
}

bool CopyRows::Take(absl::string_view* input) {
  const char* position = input->data();
  const char* const end = position + input->size();
  while (position < end) {
    const char* newline = static_cast<const char*>(memchr(position, '\n', end - position));
    const char* const stop = newline == nullptr ? end : newline;
    const int64_t size = stop - position;
    if (newline != nullptr && partial_bytes_ == 0) {
      if (IsEndMark(position, size)) {
        input->remove_prefix(newline + 1 - input->data());
        return true;
      }
      const XXH128_hash_t hash = XXH3_128bits(position, size);
      AddRow(hash.high64, hash.low64, size);
      position = newline + 1;
      continue;
    }
    if (partial_bytes_ == 0) {
      XXH3_128bits_reset(partial_.get());
    }
    for (int64_t i = 0; i < size && partial_bytes_ + i < 2; ++i) {
      partial_begin_[partial_bytes_ + i] = position[i];
    }
    XXH3_128bits_update(partial_.get(), position, size);
    partial_bytes_ += size;
    if (newline == nullptr) {
      break;
    }
    const int64_t row_bytes = partial_bytes_;
    partial_bytes_ = 0;
    position = newline + 1;
    if (IsEndMark(partial_begin_, row_bytes)) {
      input->remove_prefix(position - input->data());
      return true;
    }
    const XXH128_hash_t hash = XXH3_128bits_digest(partial_.get());
    AddRow(hash.high64, hash.low64, row_bytes);
  }
  input->remove_prefix(input->size());
  return false;
}

void CopyRows::Report(v1::TableFacts* facts) const {
  facts->set_row_count(row_count_);
  facts->set_plain_bytes(plain_bytes_);
  facts->set_content_hash(absl::StrFormat("%016x%016x", sum_high_, sum_low_));
}

}  // namespace backup::agent
