// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/copy_rows.h"

#include <algorithm>
#include <cstring>

namespace backup::agent {
namespace {

bool IsEndMark(const char* line, int64_t size) { return size == 2 && line[0] == '\\' && line[1] == '.'; }

}  // namespace

void CopyRows::Begin() {
  partial_bytes_ = row_count_ = plain_bytes_ = 0;
  sum_ = {};
}

void CopyRows::AddRow(const Hash128& hash, int64_t size) {
  sum_.low += hash.low;
  sum_.high += hash.high + (sum_.low < hash.low ? 1 : 0);
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
      AddRow(HashOf(absl::string_view(position, static_cast<size_t>(size))), size);
      position = newline + 1;
      continue;
    }
    if (partial_bytes_ == 0) {
      partial_.Reset();
    }
    for (int64_t i = 0; i < size && partial_bytes_ + i < 2; ++i) {
      partial_begin_[partial_bytes_ + i] = position[i];
    }
    partial_.Update(absl::string_view(position, static_cast<size_t>(size)));
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
    AddRow(partial_.Digest(), row_bytes);
  }
  input->remove_prefix(input->size());
  return false;
}

void CopyRows::Report(v1::TableFacts* facts) const {
  facts->set_row_count(row_count_);
  facts->set_plain_bytes(plain_bytes_);
  facts->set_content_hash(ToHex(sum_));
}

}  // namespace backup::agent
