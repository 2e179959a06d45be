// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/strict_yaml.h"
#include "tests/testing/matchers.h"

namespace backup {
namespace {

using ::backup::testing::HasHint;
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

class YamlReaderTest : public ::testing::Test {
 protected:
  YamlReader Read(absl::string_view text) {
    const auto documents = ParseYaml(text, "f.yaml");
    EXPECT_THAT(documents, IsOk());
    context_.file = "f.yaml";
    return YamlReader(documents->empty() ? YamlNode() : documents->front(), "", context_);
  }

  std::vector<std::string> Messages() const {
    std::vector<std::string> messages;
    for (const absl::Status& error : context_.errors) {
      EXPECT_THAT(error, HasReason("YAML_INVALID"));
      messages.emplace_back(error.message());
    }
    return messages;
  }

  YamlReader::Context context_;
};

TEST_F(YamlReaderTest, ReadsEveryKindOfValue) {
  YamlReader reader = Read(
      "text: hello\nnumber: 42\nyes: true\nwait: 1h30m\nsize: 1KiB\nshare: 50%\nlist: [a, '5', 7]\n"
      "labels: {env: prod, tier: 1}\nmode: SKIP\n");
  EXPECT_EQ(reader.String("text"), "hello");
  EXPECT_EQ(reader.Integer("number", 0, 100), 42);
  EXPECT_EQ(reader.Bool("yes"), true);
  EXPECT_EQ(reader.Duration("wait"), absl::Minutes(90));
  EXPECT_EQ(reader.Size("size"), 1024);
  EXPECT_EQ(reader.Percent("share"), 50);
  EXPECT_THAT(*reader.StringList("list"), ElementsAre("a", "5", "7"));
  EXPECT_THAT(*reader.StringMap("labels"), ElementsAre(Pair("env", "prod"), Pair("tier", "1")));
  EXPECT_EQ(reader.OneOf("mode", {"SKIP", "WAIT"}), "SKIP");
  reader.Finish();
  EXPECT_THAT(Messages(), IsEmpty());
}

TEST_F(YamlReaderTest, AnAbsentKeyIsNothingAndNoError) {
  YamlReader reader = Read("");
  EXPECT_FALSE(reader.String("a").has_value());
  EXPECT_FALSE(reader.Integer("a", 0, 1).has_value());
  EXPECT_FALSE(reader.Map("a").has_value());
  EXPECT_FALSE(reader.StringList("a").has_value());
  EXPECT_TRUE(reader.MapList("a").empty());
  EXPECT_FALSE(reader.Has("a"));
  reader.Finish();
  EXPECT_THAT(Messages(), IsEmpty());
}

TEST_F(YamlReaderTest, RemembersEveryErrorWithItsPlace) {
  YamlReader reader = Read(
      "number: many\nbig: 101\nquoted: \"5\"\nplus: +5\nflag: yes\nwait: 10\nsize: 1KB\nshare: 50\n"
      "text: [a]\nlist: a\nlabels: [a]\nmode: SKPI\nempty:\n");
  EXPECT_FALSE(reader.Integer("number", 0, 100).has_value());
  EXPECT_FALSE(reader.Integer("big", 0, 100).has_value());
  EXPECT_FALSE(reader.Integer("quoted", 0, 100).has_value());
  EXPECT_FALSE(reader.Integer("plus", 0, 100).has_value());
  EXPECT_FALSE(reader.Bool("flag").has_value());
  EXPECT_FALSE(reader.Duration("wait").has_value());
  EXPECT_FALSE(reader.Size("size").has_value());
  EXPECT_FALSE(reader.Percent("share").has_value());
  EXPECT_FALSE(reader.String("text").has_value());
  EXPECT_FALSE(reader.StringList("list").has_value());
  EXPECT_FALSE(reader.StringMap("labels").has_value());
  EXPECT_FALSE(reader.OneOf("mode", {"SKIP", "WAIT"}).has_value());
  EXPECT_FALSE(reader.String("empty").has_value());
  EXPECT_THAT(Messages(), ElementsAre("f.yaml:1:9: number: must be a whole number from 0 to 100, not \"many\"",
                                      "f.yaml:2:6: big: must be a whole number from 0 to 100, not \"101\"",
                                      "f.yaml:3:9: quoted: must be a number, not the text \"5\"",
                                      "f.yaml:4:7: plus: must be a whole number from 0 to 100, not \"+5\"",
                                      "f.yaml:5:7: flag: must be true or false, not \"yes\"",
                                      "f.yaml:6:7: wait: duration \"10\" has no unit",
                                      "f.yaml:7:7: size: size \"1KB\" has no unit that is known",
                                      "f.yaml:8:8: share: percentage \"50\" has no \"%\"",
                                      "f.yaml:9:1: text: must be a text, not a list",
                                      "f.yaml:10:7: list: must be a list, not a single value",
                                      "f.yaml:11:1: labels: must be a map of texts, not a list",
                                      "f.yaml:12:7: mode: must be one of SKIP, WAIT, not \"SKPI\"",
                                      "f.yaml:13:1: empty: must be a text, not nothing"));
  EXPECT_THAT(context_.errors[5], HasHint("write 10d for days, 10h, 10m or 10s"));
  EXPECT_THAT(context_.errors[11], HasHint("did you mean \"SKIP\"?"));
  EXPECT_EQ(GetErrorInfos(context_.errors[0])[0].metadata().at("field"), "number");
  EXPECT_EQ(GetErrorInfos(context_.errors[0])[0].metadata().at("line"), "1");
}

TEST_F(YamlReaderTest, ReportsUnknownKeysWithTheNearestKnownOne) {
  YamlReader reader = Read("spec:\n  shedule: x\n  jobs: 1\n  zebra: 2\n");
  std::optional<YamlReader> spec = reader.Map("spec");
  ASSERT_TRUE(spec.has_value());
  spec->String("schedule");
  spec->Integer("jobs", 1, 8);
  spec->Finish();
  reader.Finish();
  EXPECT_THAT(Messages(), ElementsAre("f.yaml:2:3: spec.shedule: unknown key", "f.yaml:4:3: spec.zebra: unknown key"));
  EXPECT_THAT(context_.errors[0], HasHint("did you mean \"schedule\"?"));
  EXPECT_THAT(context_.errors[1], HasHint(""));
}

TEST_F(YamlReaderTest, KnowsThePlaceOfEveryPath) {
  YamlReader reader = Read("spec:\n  databases:\n    - {agent: a}\n    - agent: b\n      labels: {env: prod}\n");
  std::optional<YamlReader> spec = reader.Map("spec");
  std::vector<YamlReader> databases = spec->MapList("databases");
  ASSERT_EQ(databases.size(), 2u);
  EXPECT_EQ(databases[1].path(), "spec.databases[1]");
  EXPECT_EQ(databases[1].String("agent"), "b");
  databases[1].StringMap("labels");

  EXPECT_EQ(context_.positions.at("spec").line, 1);
  EXPECT_EQ(context_.positions.at("spec.databases").line, 2);
  EXPECT_EQ(context_.positions.at("spec.databases").column, 3);
  EXPECT_EQ(context_.positions.at("spec.databases[0]").line, 3);
  EXPECT_EQ(context_.positions.at("spec.databases[1].agent").line, 4);
  EXPECT_EQ(context_.positions.at("spec.databases[1].agent").column, 14);
  EXPECT_EQ(context_.positions.at("spec.databases[1].labels.env").line, 5);
}

TEST_F(YamlReaderTest, AWrongKindOfMapIsAnErrorAndReadsAsEmpty) {
  YamlReader reader = Read("spec: text\nlist:\n  - a\n  - {b: 1}\nnothing:\n");
  std::optional<YamlReader> spec = reader.Map("spec");
  ASSERT_TRUE(spec.has_value());
  EXPECT_FALSE(spec->String("x").has_value());
  spec->Finish();
  EXPECT_EQ(reader.MapList("list").size(), 2u);
  EXPECT_TRUE(reader.Map("nothing").has_value());
  EXPECT_THAT(Messages(), ElementsAre("f.yaml:1:7: spec: must be a map, not a single value",
                                      "f.yaml:3:5: list[0]: must be a map, not a single value"));
}

TEST_F(YamlReaderTest, AddsErrorsOfTheCallerAtAKeyOrAtTheMap) {
  YamlReader reader = Read("spec:\n  a: 1\n");
  std::optional<YamlReader> spec = reader.Map("spec");
  spec->AddError("a", "is odd", "make it even");
  spec->AddError("missing", "is missing");
  spec->AddError("", "is poor");
  EXPECT_THAT(Messages(), ElementsAre("f.yaml:2:6: spec.a: is odd", "f.yaml:1:1: spec.missing: is missing",
                                      "f.yaml:1:1: spec: is poor"));
  EXPECT_THAT(context_.errors[0], HasHint("make it even"));
}

TEST_F(YamlReaderTest, CleansHostileKeysAndValues) {
  YamlReader reader = Read("\"a\\nb\\e[31m\": 1\nflag: \"\\u202Ex\"\n");
  reader.Bool("flag");
  reader.Finish();
  EXPECT_THAT(Messages(), ElementsAre("f.yaml:2:7: flag: must be true or false, not \"\\u202ex\"",
                                      "f.yaml:1:1: a\\nb\\x1b[31m: unknown key"));
}

}  // namespace
}  // namespace backup
