// SPDX-License-Identifier: Apache-2.0
#include "base/strict_yaml.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/testing/matchers.h"

namespace backup {
namespace {

using ::backup::testing::HasHint;
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::StatusIs;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::StartsWith;
using Kind = YamlNode::Kind;

YamlNode ParseOne(absl::string_view text) {
  absl::StatusOr<std::vector<YamlNode>> documents = ParseYaml(text, "f.yaml");
  EXPECT_THAT(documents, IsOk()) << text;
  if (!documents.ok() || documents->size() != 1) {
    ADD_FAILURE() << "not one document: " << text;
    return YamlNode();
  }
  return documents->front();
}

TEST(ParseYamlTest, KeepsTextKindsOrderAndPlaces) {
  const YamlNode root = ParseOne(
      "name: nightly  # a comment\n"
      "spec:\n"
      "  cron: '0 22 * * *'\n"
      "  list: [a, \"5\", 5]\n"
      "  empty:\n"
      "größe: 1\n");
  ASSERT_EQ(root.kind(), Kind::kMap);
  ASSERT_EQ(root.entries().size(), 3u);
  const YamlNode& name = root.entries()[0].second;
  EXPECT_EQ(root.entries()[0].first, "name");
  EXPECT_EQ(name.text(), "nightly");
  EXPECT_FALSE(name.quoted());
  EXPECT_EQ(name.position().line, 1);
  EXPECT_EQ(name.position().column, 7);
  EXPECT_EQ(name.key_position().column, 1);

  const YamlNode& spec = root.entries()[1].second;
  EXPECT_EQ(spec.key_position().line, 2);
  const YamlNode& cron = spec.entries()[0].second;
  EXPECT_EQ(cron.text(), "0 22 * * *");
  EXPECT_TRUE(cron.quoted());
  EXPECT_EQ(cron.position().line, 3);
  EXPECT_EQ(cron.position().column, 9);
  const YamlNode& list = spec.entries()[1].second;
  ASSERT_EQ(list.items().size(), 3u);
  EXPECT_TRUE(list.items()[1].quoted());
  EXPECT_FALSE(list.items()[2].quoted());
  EXPECT_EQ(list.items()[2].position().column, 18);
  const YamlNode& empty = spec.entries()[2].second;
  EXPECT_EQ(empty.kind(), Kind::kNull);
  EXPECT_EQ(empty.position().line, 5) << "its key's line, not that of what follows";
  EXPECT_EQ(root.entries()[2].second.position().column, 8) << "columns count characters, not bytes";
}

TEST(ParseYamlTest, ReadsSeveralDocumentsAndLeavesOutEmptyOnes) {
  const auto documents = ParseYaml("---\na: 1\n---\n---\n# nothing\n---\nb: 2\n...\n", "f.yaml");
  ASSERT_THAT(documents, IsOk());
  ASSERT_EQ(documents->size(), 2u);
  EXPECT_EQ((*documents)[1].entries()[0].second.position().line, 7);
  for (const char* const text : {"", "\n", "# only a comment\n", "---\n", "---\n---\n"}) {
    const auto none = ParseYaml(text, "f.yaml");
    ASSERT_THAT(none, IsOk());
    EXPECT_TRUE(none->empty()) << text;
  }
}

TEST(ParseYamlTest, TakesAByteOrderMarkAndCarriageReturns) {
  const YamlNode root = ParseOne(
      "\xef\xbb\xbf"
      "a: 1\r\nb: two\r\n");
  EXPECT_EQ(root.entries()[0].second.position().column, 4);
  EXPECT_EQ(root.entries()[1].second.text(), "two");
  EXPECT_EQ(root.entries()[1].second.position().line, 2);
}

TEST(ParseYamlTest, ADefaultNodeIsNothing) {
  const YamlNode node;
  EXPECT_EQ(node.kind(), Kind::kNull);
  EXPECT_EQ(node.text(), "");
  EXPECT_TRUE(node.items().empty());
  EXPECT_TRUE(node.entries().empty());
  EXPECT_EQ(node.position().line, 0);
}

struct BadCase {
  const char* name;
  std::string text;
  std::string place;
  std::string why;
  std::string hint;

  friend void PrintTo(const BadCase& c, std::ostream* out) { *out << c.name; }
};

class ParseYamlRefusalTest : public ::testing::TestWithParam<BadCase> {};

TEST_P(ParseYamlRefusalTest, NamesThePlaceTheReasonAndTheNextStep) {
  const BadCase& c = GetParam();
  const auto result = ParseYaml(c.text, "f.yaml");
  EXPECT_THAT(result, StatusIs(absl::StatusCode::kInvalidArgument,
                               AllOf(StartsWith(absl::StrCat("f.yaml", c.place, ": ")), HasSubstr(c.why))));
  EXPECT_THAT(result, HasReason("YAML_INVALID"));
  EXPECT_THAT(result, HasHint(HasSubstr(c.hint)));
}

std::string Nested(int levels) { return std::string(levels, '[') + std::string(levels, ']'); }

INSTANTIATE_TEST_SUITE_P(
    All, ParseYamlRefusalTest,
    ::testing::Values(
        BadCase{"DuplicateKey", "a: 1\nb: 2\na: 3\n", ":3:1", "duplicate key \"a\", first on line 1", "remove one"},
        BadCase{"DuplicateQuotedKey", "a: 1\n\"a\": 3\n", ":2:1", "duplicate key", ""},
        BadCase{"DuplicateNestedKey", "s:\n  k: 1\n  k: 1\n", ":3:3", "duplicate key \"k\"", ""},
        BadCase{"DuplicateFlowKey", "s: {k: 1, k: 2}\n", ":1:11", "duplicate key \"k\"", ""},
        BadCase{"Anchor", "a: &x 1\n", ":1:4", "anchors", "quote"},
        BadCase{"AnchorOnMap", "a: &x {b: 1}\n", ":1:4", "anchors", ""},
        BadCase{"AnchorOnBlockMap", "a: &x\n  b: 1\n", ":1:4", "anchors", ""},
        BadCase{"AnchorOnNothing", "a: &x\n", ":1:4", "anchors", ""},
        BadCase{"AnchorOnKey", "&x a: 1\n", ":1:1", "anchors", ""},
        BadCase{"AnchorAfterTag", "a: !t &x 1\n", ":1:4", "", ""},
        BadCase{"AliasOfAnchor", "a: 1\nb: *a\n", ":2:4", "alias", "\"*\""},
        BadCase{"AliasInFlow", "d: [{agent: *, database: x}]\n", ":1:13", "alias", "quote a text"},
        BadCase{"AliasWithText", "exclude: [*_tmp]\n", ":1:11", "alias", "\"*_tmp\""},
        BadCase{"CronEveryFive", "cron: */5 * * * *\n", ":1:7", "alias", "quote the cron expression: \"*/5 * * * *\""},
        BadCase{"CronStars", "s:\n  cron: * * * * *  # often\n", ":2:9", "alias",
                "quote the cron expression: \"* * * * *\""},
        BadCase{"CronList", "cron: */5,3 * * * *\n", ":1:7", "alias", "quote the cron expression"},
        BadCase{"CronHour", "cron: * 4 * * *", ":1:7", "alias", "quote the cron expression: \"* 4 * * *\""},
        BadCase{"CronAt", "cron: @daily\n", ":1:7", "\"@\"", "quote it: \"@daily\""},
        BadCase{"Tag", "a: !!str 5\n", ":1:4", "tags", ""}, BadCase{"LocalTag", "a: !x 5\n", ":1:4", "tags", ""},
        BadCase{"LoneTag", "a: ! 5\n", ":1:4", "tags", ""},
        BadCase{"TagOnMap", "a: !!map {b: 1}\n", ":1:4", "tags", ""},
        BadCase{"TagOnNothing", "a: !!null\n", ":1:4", "tags", ""},
        BadCase{"VerbatimTag", "a: !<tag:yaml.org,2002:python/object> x\n", ":1:4", "tags", ""},
        BadCase{"MergeKey", "a: {b: 1}\nc:\n  <<: {d: 1}\n", ":3:3", "merge", ""},
        BadCase{"ListAsKey", "? [a]\n: b\n", ":1:3", "key", ""},
        BadCase{"MapAsKey", "{{a: 1}: b}\n", ":1:2", "key", ""},
        BadCase{"NullAsKey", "~: b\n", ":1:1", "key must be a text", "quote the key"},
        BadCase{"NoKey", ": b\n", ":1:1", "key must be a text", ""},
        BadCase{"TooDeep", Nested(65), ":1:65", "64 levels", ""},
        BadCase{"FarTooDeep", std::string(1 << 20, '['), ":1:1", "", ""},
        BadCase{"DeepMaps", std::string(200000, '{'), ":1:1", "", ""},
        BadCase{"TooLarge", "a: " + std::string(1 << 20, 'x'), "", "1 MiB", ""},
        BadCase{"NotUtf8", "a: 1\nb: caf\xe9\n", ":2:7", "not UTF-8", "UTF-8"},
        BadCase{"Utf16",
                std::string("\xff\xfe"
                            "a\0:\0 \0"
                            "1\0",
                            10),
                ":1:1", "not UTF-8", ""},
        BadCase{"Nul", std::string("a: x\0y\n", 7), ":1:5", "control character", ""},
        BadCase{"EndOfTransmission", "a: x\x04\nb: y\n", ":1:5", "control character", ""},
        BadCase{"Escape", "a: \"x\x1b[31m\"\n", ":1:6", "control character", ""},
        BadCase{"Tab", "a:\n\tb: 1\n", ":2:3", "", "not with tabs"},
        BadCase{"OpenQuote", "a: 1\nb: \"x\\\"\n", ":2:4", "never closed", ""},
        BadCase{"OpenSingleQuote", "a: 'it''s\n", ":1:4", "never closed", ""},
        BadCase{"OpenMap", "a: {b: 1\n", ":2:1", "", ""}, BadCase{"TextAfterQuote", "a: \"x\" y\n", ":1:8", "", ""},
        BadCase{"StrayBracket", "a: 1\n]\n", ":2:1", "", ""}, BadCase{"OpenList", "a: [1, 2\n", ":2:1", "", ""},
        BadCase{"Indentation", "a:\n    b: 1\n  c: 2\n", ":3:3", "", ""},
        BadCase{"TwoOnOneLine", "a: b: c\n", ":1:5", "", ""}),
    [](const auto& info) { return info.param.name; });

TEST(ParseYamlTest, AcceptsSixtyFourLevelsAndMuchText) {
  EXPECT_THAT(ParseYaml(Nested(64), "f.yaml"), IsOk());
  std::string text;
  for (int i = 0; text.size() < 900'000; ++i) absl::StrAppend(&text, "key", i, ": [value, \"", i, "\"]\n");
  EXPECT_THAT(ParseYaml(text, "f.yaml"), IsOk());
}

TEST(ParseYamlTest, AcceptsQuotedStarsAndQuotedMergeKey) {
  const YamlNode root =
      ParseOne("a: \"*\"\nb: '*/5 * * * *'\n\"<<\": x\nc: \"!x\"\nd: \"&y\"\ne: |\n  *not an alias\n");
  EXPECT_EQ(root.entries()[0].second.text(), "*");
  EXPECT_EQ(root.entries()[1].second.text(), "*/5 * * * *");
  EXPECT_EQ(root.entries()[2].first, "<<");
  EXPECT_EQ(root.entries()[5].second.text(), "*not an alias\n");
  EXPECT_TRUE(root.entries()[5].second.quoted());
}

TEST(ParseYamlTest, CleansTheFileNameInMessages) {
  EXPECT_THAT(ParseYaml("a: *x\n", "evil\n\x1b[31m.yaml"),
              StatusIs(absl::StatusCode::kInvalidArgument, StartsWith("evil\\n\\x1b[31m.yaml:1:4: ")));
}

}  // namespace
}  // namespace backup
