// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

namespace backup {

int32_t NextCodePoint(absl::string_view text, size_t* position) {
  const auto byte_at = [&](size_t i) -> uint32_t { return static_cast<unsigned char>(text[i]); };
  const size_t start = (*position)++;
  const uint32_t lead = byte_at(start);
  if (lead < 0x80) return static_cast<int32_t>(lead);
  const size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() - start < length) return -1;
  uint32_t code_point = lead & (0x7fu >> length);
  for (size_t i = 1; i < length; ++i) {
    const uint32_t next = byte_at(start + i);
    if ((next & 0xc0) != 0x80) return -1;
    code_point = code_point << 6 | (next & 0x3f);
  }
  constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
  if (code_point < kSmallest[length] || code_point > 0x10ffff || surrogate) return -1;
  *position = start + length;
  return static_cast<int32_t>(code_point);
}

bool IsValidUtf8(absl::string_view text) {
  for (size_t position = 0; position < text.size();) {
    if (NextCodePoint(text, &position) < 0) return false;
  }
  return true;
}

std::string ToValidUtf8(absl::string_view raw, size_t max_bytes) {
  std::string result;
  for (size_t position = 0; position < raw.size();) {
    const size_t start = position;
    const bool bad = NextCodePoint(raw, &position) < 0;
    const absl::string_view piece = bad ? absl::string_view("\xef\xbf\xbd") : raw.substr(start, position - start);
    if (result.size() + piece.size() > max_bytes) break;
    result.append(piece.data(), piece.size());
  }
  return result;
}

bool IsControl(int32_t c) {
  return (c >= 0 && c < 0x20) || (c >= 0x7f && c <= 0x9f) || c == 0x061c || c == 0x200e || c == 0x200f ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

}  // namespace backup
