// SPDX-License-Identifier: Apache-2.0
#include "ctl/display_width.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "absl/strings/str_cat.h"

namespace backup::ctl {
namespace {

struct Range {
  uint32_t first;
  uint32_t last;
};
// Unicode's combining marks and zero-width characters, by block: what names and messages really hold.
constexpr Range kZeroWidth[] = {{0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x0610, 0x061A},
                                {0x064B, 0x065F}, {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}, {0x200B, 0x200F},
                                {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}};
// East Asian Width W and F.
constexpr Range kDoubleWidth[] = {{0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0x33FF},  {0x3400, 0x4DBF},
                                  {0x4E00, 0x9FFF},   {0xA000, 0xA4CF},   {0xAC00, 0xD7A3},  {0xF900, 0xFAFF},
                                  {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},  {0x1F300, 0x1F64F},
                                  {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};

template <size_t kSize>
bool Contains(const Range (&ranges)[kSize], uint32_t code_point) {
  return std::any_of(std::begin(ranges), std::end(ranges), [code_point](const Range& range) {
    return code_point >= range.first && code_point <= range.last;
  });
}

int WidthOf(uint32_t code_point) {
  if (Contains(kZeroWidth, code_point)) return 0;
  return Contains(kDoubleWidth, code_point) ? 2 : 1;
}

// Takes one code point off the front; bytes that are no UTF-8 count as one each.
uint32_t TakeCodePoint(absl::string_view& text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  uint32_t code_point = length == 1 ? lead : lead & (0xFF >> (length + 1));
  size_t used = 1;
  while (used < length && used < text.size() && (static_cast<unsigned char>(text[used]) & 0xC0) == 0x80) {
    code_point = (code_point << 6) | (static_cast<unsigned char>(text[used]) & 0x3F);
    ++used;
  }
  text.remove_prefix(used);
  return code_point;
}

}  // namespace

int DisplayWidth(absl::string_view text) {
  int width = 0;
  while (!text.empty()) width += WidthOf(TakeCodePoint(text));
  return width;
}

std::string CutToWidth(absl::string_view text, int width) {
  if (DisplayWidth(text) <= width) return std::string(text);
  absl::string_view rest = text;
  int used = 0;
  while (!rest.empty()) {
    absl::string_view after = rest;
    const int next = WidthOf(TakeCodePoint(after));
    if (used + next > width - 1) break;
    used += next;
    rest = after;
  }
  return absl::StrCat(text.substr(0, text.size() - rest.size()), "…");
}

}  // namespace backup::ctl
