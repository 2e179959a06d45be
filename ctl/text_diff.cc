// SPDX-License-Identifier: Apache-2.0
#include "ctl/text_diff.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace backup::ctl {
namespace {

constexpr size_t kContext = 3;

struct Edit {
  char mark;  // ' ', '-' or '+'.
  std::string line;
};

std::vector<std::string> Lines(absl::string_view text) {
  if (text.empty()) return {};
  return absl::StrSplit(absl::StripSuffix(text, "\n"), '\n');
}

// By the longest common subsequence; of equally good ones, deletions come first.
std::vector<Edit> Edits(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  // common[i][j]: length of the longest common subsequence of a[i..] and b[j..].
  std::vector<std::vector<size_t>> common(a.size() + 1, std::vector<size_t>(b.size() + 1, 0));
  for (size_t i = a.size(); i-- > 0;) {
    for (size_t j = b.size(); j-- > 0;) {
      common[i][j] = a[i] == b[j] ? common[i + 1][j + 1] + 1 : std::max(common[i + 1][j], common[i][j + 1]);
    }
  }
  std::vector<Edit> edits;
  size_t i = 0;
  size_t j = 0;
  while (i < a.size() || j < b.size()) {
    if (i < a.size() && j < b.size() && a[i] == b[j]) {
      edits.push_back({' ', a[i++]});
      ++j;
    } else if (i < a.size() && (j == b.size() || common[i + 1][j] >= common[i][j + 1])) {
      edits.push_back({'-', a[i++]});
    } else {
      edits.push_back({'+', b[j++]});
    }
  }
  return edits;
}

// "12,7" as a hunk's head says it; an empty range names the line before it.
std::string Range(size_t lines_before, size_t count) {
  if (count == 1) return absl::StrCat(lines_before + 1);
  return absl::StrCat(count == 0 ? lines_before : lines_before + 1, ",", count);
}

}  // namespace

std::string UnifiedDiff(absl::string_view old_text, absl::string_view new_text, absl::string_view old_label,
                        absl::string_view new_label) {
  if (old_text == new_text) return "";
  const std::vector<Edit> edits = Edits(Lines(old_text), Lines(new_text));
  std::string out = absl::StrCat("--- ", old_label, "\n+++ ", new_label, "\n");
  size_t old_before = 0;  // Lines of each text before edits[next].
  size_t new_before = 0;
  size_t next = 0;
  while (true) {
    size_t change = next;
    while (change < edits.size() && edits[change].mark == ' ') ++change;
    if (change == edits.size()) return out;
    // The hunk ends where more than twice the context is unchanged.
    const size_t begin = std::max(next, change - std::min(change, kContext));
    size_t last = change;
    for (size_t i = change; i < edits.size() && i - last <= 2 * kContext; ++i) {
      if (edits[i].mark != ' ') last = i;
    }
    const size_t end = std::min(edits.size(), last + 1 + kContext);
    old_before += begin - next;
    new_before += begin - next;
    std::string body;
    size_t old_count = 0;
    size_t new_count = 0;
    for (size_t i = begin; i < end; ++i) {
      old_count += edits[i].mark != '+' ? 1 : 0;
      new_count += edits[i].mark != '-' ? 1 : 0;
      absl::StrAppend(&body, std::string(1, edits[i].mark), edits[i].line, "\n");
    }
    absl::StrAppend(&out, "@@ -", Range(old_before, old_count), " +", Range(new_before, new_count), " @@\n", body);
    old_before += old_count;
    new_before += new_count;
    next = end;
  }
}

}  // namespace backup::ctl
