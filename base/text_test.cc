// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include <gtest/gtest.h>

#include "absl/strings/ascii.h"
#include "base/random.h"
#include "base/utf8.h"
#include "tests/testing/fake_random.h"

namespace backup {
namespace {

TEST(CleanTextTest, MakesEveryControlCharacterVisible) {
  const struct {
    absl::string_view raw;
    const char* clean;
  } kCases[] = {
      {"plain text", "plain text"},
      {"Größe ✓ 日本", "Größe ✓ 日本"},
      {"a\nb\r\tc", "a\\nb\\r\\tc"},
      {"\x1b[31mred", "\\x1b[31mred"},
      {absl::string_view("a\0b", 3), "a\\x00b"},
      {"\x7f", "\\x7f"},
      {"\xc2\x85 next line", "\\x85 next line"},
      {"\xc2\x9b"
       "31m",
       "\\x9b31m"},
      {"gpj\xe2\x80\xae"
       "exe",
       "gpj\\u202eexe"},
      {"\xe2\x81\xa6\xe2\x81\xa9", "\\u2066\\u2069"},
      {"\xe2\x80\xa8\xe2\x80\x8f", "\\u2028\\u200f"},
  };
  for (const auto& c : kCases) EXPECT_EQ(CleanText(c.raw), c.clean);
}

TEST(CleanTextTest, ReplacesWhatIsNotUtf8) {
  const absl::string_view kCases[] = {
      "\x80",              // Continuation without a lead.
      "\xff",              // Never a lead.
      "\xc3",              // Cut.
      "\xc0\xaf",          // Overlong "/".
      "\xe0\x80\xaf",      // Overlong.
      "\xf0\x80\x80\xaf",  // Overlong.
      "\xed\xa0\x80",      // Surrogate.
      "\xf4\x90\x80\x80",  // Above U+10FFFF.
      "\xf8\x88\x80\x80",  // Five bytes once.
  };
  for (const absl::string_view raw : kCases) {
    const std::string clean = CleanText(raw);
    EXPECT_TRUE(IsValidUtf8(clean));
    EXPECT_FALSE(IsValidUtf8(raw));
    EXPECT_EQ(clean.size(), raw.size() * 3) << "one U+FFFD for each byte";
  }
  EXPECT_EQ(CleanText("caf\xe9s"), "caf\xef\xbf\xbds");
}

TEST(CleanTextTest, CutsAtWholeCharactersAndSaysSo) {
  EXPECT_EQ(CleanText("abcdef", 6), "abcdef");
  EXPECT_EQ(CleanText("abcdefg", 6), "abc…");
  EXPECT_EQ(CleanText("ab\x01gg", 6), "ab…");
  EXPECT_EQ(CleanText("日本語", 8), "日…");
  EXPECT_EQ(CleanText("日本語", 2), "");
  EXPECT_EQ(CleanText("abc", 0), "");
}

TEST(CleanTextTest, GivesValidTextInBoundsForAnyBytes) {
  testing::FakeRandom random;
  for (int i = 0; i < 3000; ++i) {
    const std::string raw = RandomBytes(random, random.Next() % 40);
    const size_t max_bytes = random.Next() % 50;
    const std::string clean = CleanText(raw, max_bytes);
    ASSERT_LE(clean.size(), max_bytes);
    for (size_t position = 0; position < clean.size();) {
      const int32_t code_point = NextCodePoint(clean, &position);
      ASSERT_GE(code_point, 0);
      ASSERT_FALSE(IsControl(code_point));
    }
  }
}

TEST(Utf8Test, ToValidUtf8KeepsControlCharactersAndCutsAtWholeOnes) {
  EXPECT_EQ(ToValidUtf8("a\n\xff", 100), "a\n\xef\xbf\xbd");
  EXPECT_EQ(ToValidUtf8("日本", 5), "日");
}

TEST(GlobMatchTest, MatchesTheWholeText) {
  const struct {
    const char* pattern;
    const char* text;
    bool match;
  } kCases[] = {
      {"", "", true},
      {"", "a", false},
      {"*", "", true},
      {"*", "anything", true},
      {"?", "", false},
      {"?", "a", true},
      {"a*c", "abbbc", true},
      {"a*c", "abbbd", false},
      {"*_tmp", "x_tmp", true},
      {"*_tmp", "x_tmp1", false},
      {"a?c", "abc", true},
      {"a?c", "ac", false},
      {"**a**", "bab", true},
      {"[a]", "a", false},
      {"[a]", "[a]", true},
      {"a.c", "abc", false},
      {"\\*", "*", false},
      {"*a*b*c", "xaybzc", true},
      {"*a*b*c", "xaybz", false},
      {"A", "a", false},
      {"a*", "a\nb", true},
  };
  for (const auto& c : kCases) EXPECT_EQ(GlobMatch(c.pattern, c.text), c.match) << c.pattern << " on " << c.text;
}

TEST(GlobMatchTest, IsQuickForAHostilePattern) {
  std::string pattern;
  for (int i = 0; i < 500; ++i) pattern += "a*";
  // Exponential in a naive matcher: this test would not end.
  EXPECT_FALSE(GlobMatch(pattern + "b", std::string(5000, 'a')));
}

TEST(NearestWordTest, FindsTypingMistakesOnly) {
  const std::vector<std::string> kWords = {"schedule", "databases", "retention", "jobs", "on"};
  EXPECT_EQ(NearestWord("shedule", kWords), "schedule");
  EXPECT_EQ(NearestWord("schedlue", kWords), "schedule");
  EXPECT_EQ(NearestWord("database", kWords), "databases");
  EXPECT_EQ(NearestWord("retentoin", kWords), "retention");
  EXPECT_EQ(NearestWord("job", kWords), "jobs");
  EXPECT_EQ(NearestWord("no", kWords), "on");
  EXPECT_EQ(NearestWord("xx", kWords), "");
  EXPECT_EQ(NearestWord("something", kWords), "");
  EXPECT_EQ(NearestWord("", kWords), "");
  EXPECT_EQ(NearestWord(std::string(100000, 'x'), kWords), "");
}

}  // namespace
}  // namespace backup
