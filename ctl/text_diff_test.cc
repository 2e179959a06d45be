// SPDX-License-Identifier: Apache-2.0
#include "ctl/text_diff.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace backup::ctl {
namespace {

std::string Numbered(int from, int to) {
  std::string text;
  for (int i = from; i <= to; ++i) absl::StrAppend(&text, "line ", i, "\n");
  return text;
}

TEST(UnifiedDiffTest, EqualTextsHaveNone) { EXPECT_EQ(UnifiedDiff("a\nb\n", "a\nb\n", "old", "new"), ""); }

TEST(UnifiedDiffTest, ShowsAChangeInItsContext) {
  const std::string old_text = Numbered(1, 9);
  std::string new_text = old_text;
  new_text.replace(new_text.find("line 5"), 6, "LINE 5");

  EXPECT_EQ(
      UnifiedDiff(old_text, new_text, "old", "new"),
      "--- old\n+++ new\n@@ -2,7 +2,7 @@\n line 2\n line 3\n line 4\n-line 5\n+LINE 5\n line 6\n line 7\n line 8\n");
}

TEST(UnifiedDiffTest, ShowsANewText) {
  EXPECT_EQ(UnifiedDiff("", "a\nb\n", "/dev/null", "new"), "--- /dev/null\n+++ new\n@@ -0,0 +1,2 @@\n+a\n+b\n");
}

TEST(UnifiedDiffTest, ShowsATextThatWent) {
  EXPECT_EQ(UnifiedDiff("a\n", "", "old", "/dev/null"), "--- old\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n");
}

TEST(UnifiedDiffTest, PartsDistantChanges) {
  std::string new_text = Numbered(1, 30);
  new_text.replace(0, 6, "LINE 1");
  new_text.replace(new_text.find("line 30"), 7, "LINE 30");

  EXPECT_EQ(UnifiedDiff(Numbered(1, 30), new_text, "old", "new"),
            "--- old\n+++ new\n@@ -1,4 +1,4 @@\n-line 1\n+LINE 1\n line 2\n line 3\n line 4\n"
            "@@ -27,4 +27,4 @@\n line 27\n line 28\n line 29\n-line 30\n+LINE 30\n");
}

// Applies the hunks of a unified diff.
std::string Patched(const std::string& old_text, const std::string& diff) {
  std::vector<std::string> old_lines = absl::StrSplit(old_text, '\n');
  if (!old_lines.empty() && old_lines.back().empty()) old_lines.pop_back();
  std::string out;
  size_t at = 0;
  bool in_hunk = false;
  const std::vector<std::string> diff_lines = absl::StrSplit(diff, '\n');
  for (const std::string& line : diff_lines) {
    if (line.rfind("@@ -", 0) == 0) {
      in_hunk = true;
      const std::string range = line.substr(4, line.find(' ', 4) - 4);
      const size_t begin = std::stoul(range);
      const bool none = range.size() > 2 && range.substr(range.size() - 2) == ",0";
      const size_t hunk = none ? begin : begin - 1;
      while (at < hunk) absl::StrAppend(&out, old_lines[at++], "\n");
    } else if (in_hunk && !line.empty()) {
      if (line[0] != '+' && old_lines[at++] != line.substr(1)) ADD_FAILURE() << "not a line of the old text: " << line;
      if (line[0] != '-') absl::StrAppend(&out, line.substr(1), "\n");
    }
  }
  while (at < old_lines.size()) absl::StrAppend(&out, old_lines[at++], "\n");
  return out;
}

TEST(UnifiedDiffTest, AppliedToTheOldTextGivesTheNew) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    std::string texts[2];
    for (std::string& text : texts) {
      const int lines = static_cast<int>(random() % 40);
      for (int i = 0; i < lines; ++i) absl::StrAppend(&text, "line ", random() % 6, "\n");
    }
    const std::string diff = UnifiedDiff(texts[0], texts[1], "old", "new");
    ASSERT_EQ(Patched(texts[0], diff), texts[1]) << diff;
  }
}

}  // namespace
}  // namespace backup::ctl
