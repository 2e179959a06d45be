// SPDX-License-Identifier: Apache-2.0
#include "base/resource_name.h"

#include <gtest/gtest.h>

#include <map>

#include "base/random.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/matchers.h"

namespace backup {
namespace {

using ::backup::testing::HasReason;
using ::backup::testing::IsOkAndHolds;
using ::testing::AllOf;

const std::string& HostileName(size_t i) {
  static const std::vector<std::string>* const names = new std::vector<std::string>{"",
                                                                                    ".",
                                                                                    "..",
                                                                                    "../../etc/passwd",
                                                                                    "/",
                                                                                    "a/b",
                                                                                    "-rf",
                                                                                    "--file=x",
                                                                                    ".hidden",
                                                                                    "%",
                                                                                    "%2F",
                                                                                    "%41",
                                                                                    "a b",
                                                                                    "a\nb",
                                                                                    std::string("a\0b", 3),
                                                                                    "\xff\xfe",
                                                                                    "a'b\"c",
                                                                                    "$(id)",
                                                                                    "`id`",
                                                                                    "A",
                                                                                    "a",
                                                                                    "ä",
                                                                                    "dbname=template1",
                                                                                    "con",
                                                                                    "~",
                                                                                    "a.",
                                                                                    std::string(63, '/'),
                                                                                    std::string(63, '\xff'),
                                                                                    "x\xe2\x80\xaey",
                                                                                    "*",
                                                                                    "?",
                                                                                    "\\",
                                                                                    "C:",
                                                                                    "a%"};
  return (*names)[i % names->size()];
}

TEST(EncodeSegmentTest, MakesAnySafePathComponent) {
  for (size_t i = 0; i < 34; ++i) {
    const std::string encoded = EncodeSegment(HostileName(i));
    EXPECT_FALSE(encoded.empty());
    EXPECT_NE(encoded[0], '.');
    EXPECT_NE(encoded[0], '-');
    EXPECT_EQ(encoded.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.~-%"),
              std::string::npos)
        << encoded;
    EXPECT_LE(encoded.size(), 189u);
  }
}

TEST(EncodeSegmentTest, SpellsNamesAsExpected) {
  EXPECT_EQ(EncodeSegment("orders"), "orders");
  EXPECT_EQ(EncodeSegment("Orders_2.0~a-b"), "Orders_2.0~a-b");
  EXPECT_EQ(EncodeSegment(""), "%");
  EXPECT_EQ(EncodeSegment("%"), "%25");
  EXPECT_EQ(EncodeSegment(".."), "%2E.");
  EXPECT_EQ(EncodeSegment("-x"), "%2Dx");
  EXPECT_EQ(EncodeSegment("a/b"), "a%2Fb");
}

TEST(EncodeSegmentTest, IsInjectiveAndDecodesBack) {
  testing::FakeRandom random;
  std::map<std::string, std::string> raw_by_encoded;
  for (int i = 0; i < 5000; ++i) {
    const std::string raw = i < 34 ? HostileName(i) : RandomBytes(random, random.Next() % 64);
    const std::string encoded = EncodeSegment(raw);
    const auto [earlier, is_new] = raw_by_encoded.emplace(encoded, raw);
    ASSERT_TRUE(is_new || earlier->second == raw) << "two names share " << encoded;
    ASSERT_THAT(DecodeSegment(encoded), IsOkAndHolds(raw));
  }
}

TEST(DecodeSegmentTest, RefusesWhatEncodeCannotHaveMade) {
  const std::string kCases[] = {"",   "..",  ".",  "-x", ".x", "a/b",    "a b", "%2f", "%41",
                                "%4", "%G0", "%%", "a%", "%2", "%2E%2E", "a\n", "ä",   std::string("a\0", 2)};
  for (const std::string& text : kCases) EXPECT_THAT(DecodeSegment(text), HasReason("INVALID_RESOURCE_NAME")) << text;
}

TEST(DecodeSegmentTest, AcceptsOnlyOneSpellingForRandomTexts) {
  testing::FakeRandom random;
  constexpr absl::string_view kAlphabet = "%%%%2EFfa.-/";
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    for (uint64_t n = random.Next() % 8; n > 0; --n) text += kAlphabet[random.Next() % kAlphabet.size()];
    const absl::StatusOr<std::string> raw = DecodeSegment(text);
    ASSERT_TRUE(!raw.ok() || EncodeSegment(*raw) == text) << text;
  }
}

TEST(IsValidIdTest, FollowsTheRule) {
  for (const std::string& id : {std::string("a"), std::string("db-1"), std::string("0"), std::string(63, 'a')}) {
    EXPECT_TRUE(IsValidId(id)) << id;
  }
  for (const std::string& id :
       {std::string(), std::string("-a"), std::string("a-"), std::string("A"), std::string("a_b"), std::string("a.b"),
        std::string("a/b"), std::string(64, 'a'), std::string("a\0b", 3), std::string("ä"), std::string("a ")}) {
    EXPECT_FALSE(IsValidId(id)) << id;
  }
}

TEST(ResourceNameTest, ParsesWhatItMakes) {
  EXPECT_EQ(MakeAgentName("db-1"), "agents/db-1");
  EXPECT_THAT(ParseAgentName("agents/db-1"), IsOkAndHolds(std::string("db-1")));
  EXPECT_THAT(ParsePolicyName(MakePolicyName("nightly")), IsOkAndHolds(std::string("nightly")));
  EXPECT_THAT(ParseRunName(MakeRunName("7k3m9q2x4d")), IsOkAndHolds(std::string("7k3m9q2x4d")));
  EXPECT_THAT(ParseBackupName(MakeBackupName("20261123T220000Z-7k3m9q2x4d")),
              IsOkAndHolds(std::string("20261123T220000Z-7k3m9q2x4d")));
  EXPECT_EQ(MakeUserName("admin"), "users/admin");
}

TEST(ResourceNameTest, ParsesDatabasesOfAnyName) {
  testing::FakeRandom random;
  for (int i = 0; i < 500; ++i) {
    const std::string database = i < 34 ? HostileName(i) : RandomBytes(random, random.Next() % 64);
    const std::string name = MakeDatabaseName("db-1", database);
    EXPECT_THAT(ParseDatabaseName(name), IsOkAndHolds(DatabaseId{"db-1", database})) << name;
  }
}

TEST(ResourceNameTest, RefusesAllElse) {
  for (const char* const name : {"", "agents", "agents/", "agents/A", "agents/a/", "/agents/a", "agents/a/b", "runs/a",
                                 "agents/../x", "agents/a\n"}) {
    EXPECT_THAT(ParseAgentName(name), HasReason("INVALID_RESOURCE_NAME")) << name;
  }
  for (const char* const name :
       {"agents/a", "agents/a/databases", "agents/a/databases/", "agents//databases/x", "agents/a/databases/x/y",
        "agents/a/databases/..", "agents/a/databases/%2f", "agents/a/runs/x", "databases/x"}) {
    EXPECT_THAT(ParseDatabaseName(name), HasReason("INVALID_RESOURCE_NAME")) << name;
  }
  EXPECT_THAT(ParseRunName("runs/A"), HasReason("INVALID_RESOURCE_NAME"));
  EXPECT_THAT(ParseRunName("runs/a-b"), HasReason("INVALID_RESOURCE_NAME"));
  EXPECT_THAT(ParsePolicyName("policies/a/b"), HasReason("INVALID_RESOURCE_NAME"));
}

TEST(BackupIdTest, IsATimeAndASuffix) {
  EXPECT_TRUE(IsValidBackupId("20261123T220000Z-7k3m9q2x4d"));
  EXPECT_TRUE(IsValidBackupId("20240229T235959Z-a"));
  for (const char* const id : {"", "20261123T220000Z", "20261123T220000Z-", "20261323T220000Z-a", "20260230T220000Z-a",
                               "20230229T000000Z-a", "20261123T240000Z-a", "20261123T226000Z-a", "20261123T220060Z-a",
                               "20261123t220000Z-a", "20261123T220000-a", "20261123T220000Z-A", "20261123T220000Z-a/b",
                               "20261123T220000Z-..", "+0261123T220000Z-a", "20261123T220000Z-a-b"}) {
    EXPECT_FALSE(IsValidBackupId(id)) << id;
  }
}

TEST(RandomTest, MadeIdsAreValid) {
  testing::FakeRandom random;
  const std::string id = NewId(random);
  EXPECT_EQ(id.size(), 10u);
  EXPECT_THAT(ParseRunName(MakeRunName(id)), IsOkAndHolds(id));
  EXPECT_NE(NewId(Random::Real()), NewId(Random::Real()));
  const std::string backup_id = MakeBackupId(absl::FromUnixSeconds(1'795'471'200), id);
  EXPECT_EQ(backup_id, "20261123T220000Z-" + id);
  EXPECT_TRUE(IsValidBackupId(backup_id));
}

TEST(RandomTest, BytesHaveTheSizeAskedFor) {
  testing::FakeRandom random;
  for (size_t size = 0; size < 40; ++size) EXPECT_EQ(RandomBytes(random, size).size(), size);
  EXPECT_NE(RandomBytes(Random::Real(), 32), RandomBytes(Random::Real(), 32));
}

}  // namespace
}  // namespace backup
