// SPDX-License-Identifier: Apache-2.0
#include "ctl/output.h"

#include <gtest/gtest.h>

#include <sstream>

#include "backup/v1/agent.pb.h"
#include "ctl/yaml_writer.h"

namespace backup::ctl {
namespace {

using Json = nlohmann::ordered_json;

std::vector<v1::Agent> TwoAgents() {
  std::vector<v1::Agent> agents(2);
  agents[0].set_name("agents/db1");
  agents[0].set_active_run_count(1);
  agents[1].set_name("agents/db2");
  return agents;
}

std::string Printed(OutputFormat format, const std::vector<v1::Agent>& agents) {
  std::ostringstream out;
  Output output(out, {.format = format});
  output.List("agents", Pointers(agents), [&] {
    Table table{{{"AGENT"}}, {}};
    for (const v1::Agent& agent : agents) table.rows.push_back({agent.name()});
    return table;
  });
  return out.str();
}

TEST(OutputTest, KnowsItsFormats) {
  EXPECT_EQ(ParseOutputFormat("jsonl"), OutputFormat::kJsonl);
  EXPECT_EQ(ParseOutputFormat("JSON"), std::nullopt);
  EXPECT_EQ(ParseOutputFormat(""), std::nullopt);
}

TEST(OutputTest, PrintsListsInEveryFormat) {
  const std::vector<v1::Agent> agents = TwoAgents();
  EXPECT_EQ(Printed(OutputFormat::kTable, agents), "AGENT\nagents/db1\nagents/db2\n");
  EXPECT_EQ(Printed(OutputFormat::kName, agents), "agents/db1\nagents/db2\n");
  EXPECT_EQ(Printed(OutputFormat::kJsonl, agents),
            "{\"name\":\"agents/db1\",\"activeRunCount\":1}\n{\"name\":\"agents/db2\"}\n");
  EXPECT_EQ(Printed(OutputFormat::kYaml, agents),
            "agents:\n  - name: agents/db1\n    activeRunCount: 1\n  - name: agents/db2\n");
  EXPECT_EQ(Json::parse(Printed(OutputFormat::kJson, agents)),
            (Json{{"agents", {{{"name", "agents/db1"}, {"activeRunCount", 1}}, {{"name", "agents/db2"}}}}}));
}

TEST(OutputTest, AnEmptyListIsStillAList) {
  EXPECT_EQ(Printed(OutputFormat::kTable, {}), "");
  EXPECT_EQ(Printed(OutputFormat::kName, {}), "");
  EXPECT_EQ(Printed(OutputFormat::kJsonl, {}), "");
  EXPECT_EQ(Printed(OutputFormat::kJson, {}), "{\n  \"agents\": []\n}\n");
  EXPECT_EQ(Printed(OutputFormat::kYaml, {}), "agents: []\n");
}

// Escape sequences, C1 controls, direction overrides: none of them may reach a terminal raw, in any format.
TEST(OutputTest, NothingFromOutsideCanSteerATerminal) {
  std::vector<v1::Agent> agents(1);
  agents[0].set_name(
      "agents/\x1b[2J\xc2\x9b"
      "31m\xe2\x80\xae"
      "evil\xe2\x81\xa6\x7f\n");
  for (OutputFormat format : {OutputFormat::kTable, OutputFormat::kWide, OutputFormat::kJson, OutputFormat::kJsonl,
                              OutputFormat::kYaml, OutputFormat::kName}) {
    const std::string text = Printed(format, agents);
    EXPECT_EQ(text.find('\x1b'), std::string::npos) << text;
    EXPECT_EQ(text.find('\x7f'), std::string::npos) << text;
    EXPECT_EQ(text.find("\xc2\x9b"), std::string::npos) << text;
    EXPECT_EQ(text.find("\xe2\x80\xae"), std::string::npos) << text;
    EXPECT_EQ(text.find("\xe2\x81\xa6"), std::string::npos) << text;
  }
  // For programs the name is all there.
  EXPECT_EQ(Json::parse(Printed(OutputFormat::kJson, agents))["agents"][0]["name"], agents[0].name());
}

TEST(YamlWriterTest, QuotesWhatAReaderCouldTakeForSomethingElse) {
  const Json value = {{"plain", "Europe/Berlin"},
                      {"star", "*"},
                      {"yes", "yes"},
                      {"null", "null"},
                      {"number", "12"},
                      {"exponent", "1e5"},
                      {"hex", "0x1f"},
                      {"date", "2026-11-23"},
                      {"empty", ""},
                      {"colon", "a: b"},
                      {"comment", "a #b"},
                      {"duration", "10m"},
                      {"size", "1KiB"},
                      {"percent", "50%"},
                      {"dash", "-x"},
                      {"newline", "a\nb"},
                      {"flag", true},
                      {"count", 3}};

  EXPECT_EQ(ToYaml(value), R"(plain: Europe/Berlin
star: "*"
"yes": "yes"
"null": "null"
number: "12"
exponent: "1e5"
hex: "0x1f"
date: "2026-11-23"
empty: ""
colon: "a: b"
comment: "a #b"
duration: 10m
size: 1KiB
percent: 50%
dash: "-x"
newline: "a\nb"
flag: true
count: 3
)");
}

TEST(YamlWriterTest, NestsMapsAndLists) {
  const Json value = {{"list", {{{"a", 1}, {"b", {{"c", "d"}}}}, {{"a", 2}}}},
                      {"texts", {"x", "y z"}},
                      {"map", Json::object()},
                      {"none", Json::array()}};

  EXPECT_EQ(ToYaml(value), R"(list:
  - a: 1
    b:
      c: d
  - a: 2
texts: [x, "y z"]
map: {}
none: []
)");
}

}  // namespace
}  // namespace backup::ctl
