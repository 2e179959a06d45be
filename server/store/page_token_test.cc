// SPDX-License-Identifier: Apache-2.0
#include "server/store/page_token.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "absl/strings/escaping.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::HasReason;
using ::backup::testing::IsOkAndHolds;

TEST(PageTokenTest, GivesTheKeyBackForTheSameScope) {
  for (const std::string& key :
       {std::string("agents/db1"), std::string("x"), std::string("\xff\0 \n", 4), std::string(300, 'k')}) {
    const std::string token = MakePageToken("scope", key);
    EXPECT_THAT(ParsePageToken("scope", token), IsOkAndHolds(key));
    EXPECT_THAT(ParsePageToken("scop", token), HasReason("PAGE_TOKEN_INVALID"));
    EXPECT_THAT(ParsePageToken("", token), HasReason("PAGE_TOKEN_INVALID"));
  }
  EXPECT_THAT(ParsePageToken("scope", ""), IsOkAndHolds(std::string()));
}

TEST(PageTokenTest, ScopeAndKeyCannotBeShifted) {
  EXPECT_NE(MakePageToken("ab", "c"), MakePageToken("a", "bc"));
  EXPECT_THAT(ParsePageToken("a", MakePageToken("ab", "c")), HasReason("PAGE_TOKEN_INVALID"));
}

TEST(PageTokenTest, EveryChangedCharacterIsFound) {
  const std::string token = MakePageToken("scope", "agents/db1");
  for (size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    const absl::StatusOr<std::string> key = ParsePageToken("scope", changed);
    // The last character may hold bits that stand for nothing.
    EXPECT_EQ(key.value_or("agents/db1"), "agents/db1");
  }
}

TEST(PageTokenTest, SequencesBeginAtTheGreatestAndMustBeNumbers) {
  EXPECT_THAT(ParseSequencePageToken("runs", ""), IsOkAndHolds(INT64_MAX));
  EXPECT_THAT(ParseSequencePageToken("runs", MakeSequencePageToken("runs", 42)), IsOkAndHolds(42));
  EXPECT_THAT(ParseSequencePageToken("runs", MakePageToken("runs", "x")), HasReason("PAGE_TOKEN_INVALID"));
  EXPECT_THAT(ParseSequencePageToken("runs", MakePageToken("runs", "99999999999999999999")),
              HasReason("PAGE_TOKEN_INVALID"));
}

TEST(PageTokenTest, TimesBeginBeforeAllRowsAndMustBeReadableByPostgres) {
  const absl::StatusOr<TimePlace> first = ParseTimePageToken("runs", "");
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->time, "infinity");
  EXPECT_EQ(first->sequence, INT64_MAX);
  for (const std::string time : {"2026-11-23 12:00:00+00", "2026-11-23 12:00:00.123456+00", "202026-11-23 12:00:00+00",
                                 "0044-03-15 12:00:00+00 BC", "infinity", "-infinity"}) {
    const absl::StatusOr<TimePlace> place = ParseTimePageToken("runs", MakeTimePageToken("runs", {time, 42}));
    ASSERT_TRUE(place.ok()) << time;
    EXPECT_EQ(place->time, time);
    EXPECT_EQ(place->sequence, 42);
  }
  for (const std::string key : {"42", ";42", "2026-11-23 12:00:00+00", "2026-11-23 12:00:00+00;", "now;1", "0;1",
                                "2026-13-23 12:00:00+00;1", "999999-11-23 12:00:00+00;1", "2026-11-23 12:00:00+00;1;2",
                                "2026-11-23 12:00:00+00;99999999999999999999", "2026-11-23 12:00:00+07;1"}) {
    EXPECT_THAT(ParseTimePageToken("runs", MakePageToken("runs", key)), HasReason("PAGE_TOKEN_INVALID")) << key;
  }
}

}  // namespace
}  // namespace backup::server
