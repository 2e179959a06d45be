// SPDX-License-Identifier: Apache-2.0
#include "ctl/markdown.h"

#include <gtest/gtest.h>

namespace backup::ctl {
namespace {

TEST(MarkdownTextTest, LeavesPlainTextAlone) {
  EXPECT_EQ(MarkdownText("db1/my shop-2.0 (old), 50%: ü"), "db1/my shop-2.0 (old), 50%: ü");
  EXPECT_EQ(MarkdownText("2026-11-24T08:00:00Z"), "2026-11-24T08:00:00Z");
  EXPECT_EQ(MarkdownText(""), "");
}

TEST(MarkdownTextTest, NothingIsMarkup) {
  EXPECT_EQ(MarkdownText("a|b"), "a\\|b");
  EXPECT_EQ(MarkdownText("`rm`"), "\\`rm\\`");
  EXPECT_EQ(MarkdownText("*a* _b_ ~~c~~"), "\\*a\\* \\_b\\_ \\~\\~c\\~\\~");
  EXPECT_EQ(MarkdownText("# x"), "\\# x");
  EXPECT_EQ(MarkdownText("![i](javascript:x)"), "\\!\\[i\\](javascript:x)");
  EXPECT_EQ(MarkdownText("a\\|b"), "a\\\\\\|b") << "a backslash does not undo the next one";
  EXPECT_EQ(MarkdownText("$x$"), "\\$x\\$") << "mathematics, to some";
}

TEST(MarkdownTextTest, NothingIsHtml) {
  EXPECT_EQ(MarkdownText("<script>alert(1)</script>"), "&lt;script&gt;alert(1)&lt;/script&gt;");
  EXPECT_EQ(MarkdownText("&lt;"), "&amp;lt;");
}

TEST(MarkdownTextTest, NothingIsALink) {
  EXPECT_EQ(MarkdownText("see https://evil.example"), "see https\\://evil.example");
  EXPECT_EQ(MarkdownText("WWW.evil.example"), "WWW\\.evil.example");
}

TEST(MarkdownTextTest, NothingEndsTheLine) {
  EXPECT_EQ(MarkdownText("a\nb\r\tc"), "a\\\\nb\\\\r\\\\tc");
  EXPECT_EQ(MarkdownText("a\xe2\x80\xae b"), "a\\\\u202e b") << "nor turns it round";
}

TEST(MarkdownTableTest, LaysOutTitlesAndRows) {
  EXPECT_EQ(MarkdownTable({{"Name"}, {"Count", true}}, {{"a", "1"}, {"", "2"}}),
            "| Name | Count |\n|---|---:|\n| a | 1 |\n| - | 2 |\n");
}

}  // namespace
}  // namespace backup::ctl
