// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "base/utf8.h"

namespace backup {
namespace {

constexpr char kReplacement[] = "\xef\xbf\xbd";
constexpr char kEllipsis[] = "\xe2\x80\xa6";

std::string Visible(int32_t code_point, absl::string_view bytes) {
  if (code_point < 0) return kReplacement;
  if (!IsControl(code_point)) return std::string(bytes);
  switch (code_point) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      if (code_point < 0x100) return absl::StrFormat("\\x%02x", static_cast<uint32_t>(code_point));
      return absl::StrFormat("\\u%04x", static_cast<uint32_t>(code_point));
  }
}

// Steps that make `a` from `b`: insert, delete or replace a byte, or swap two neighbours.
size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> before_last(b.size() + 1), last(b.size() + 1), current(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      current[j] = std::min({last[j] + 1, current[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        current[j] = std::min(current[j], before_last[j - 2] + 1);
      }
    }
    before_last.swap(last);
    last.swap(current);
  }
  return last[b.size()];
}

}  // namespace

std::string CleanText(absl::string_view raw, size_t max_bytes) {
  std::string result;
  size_t room_for_ellipsis = 0;  // Length of what still fits with an ellipsis after it.
  for (size_t position = 0; position < raw.size();) {
    const size_t start = position;
    const int32_t code_point = NextCodePoint(raw, &position);
    const std::string piece = Visible(code_point, raw.substr(start, position - start));
    if (result.size() + piece.size() > max_bytes) {
      result.resize(room_for_ellipsis);
      if (max_bytes >= 3) result += kEllipsis;
      break;
    }
    result += piece;
    if (result.size() + 3 <= max_bytes) room_for_ellipsis = result.size();
  }
  return result;
}

bool GlobMatch(absl::string_view pattern, absl::string_view text) {
  size_t p = 0, t = 0;
  size_t star = absl::string_view::npos;  // The last '*' seen; what it stands for grows on a mismatch.
  size_t star_end = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_end = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != absl::string_view::npos) {
      p = star + 1;
      t = ++star_end;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::string NearestWord(absl::string_view word, const std::vector<std::string>& candidates) {
  size_t best_distance = word.size() < 4 ? 2 : 3;
  std::string best;
  for (const std::string& candidate : candidates) {
    const size_t longer = std::max(word.size(), candidate.size());
    const size_t shorter = std::min(word.size(), candidate.size());
    if (longer - shorter >= best_distance) continue;
    const size_t distance = EditDistance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

}  // namespace backup
