// SPDX-License-Identifier: Apache-2.0
#include "agent/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <map>

#include "absl/strings/str_cat.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace backup::agent {
namespace {

using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::StatusIs;
using ::backup::testing::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;

constexpr char kHead[] = "apiVersion: backup/v1\nkind: AgentConfig\n";

absl::StatusOr<AgentConfig> Parse(const std::string& rest) {
  return ParseAgentConfig(absl::StrCat(kHead, rest), "agent.yaml");
}

absl::StatusOr<AgentConfig> FromEnvironment(const std::map<std::string, std::string>& variables) {
  return AgentConfigFromEnvironment([&](absl::string_view name) -> std::optional<std::string> {
    auto it = variables.find(std::string(name));
    return it == variables.end() ? std::nullopt : std::optional<std::string>(it->second);
  });
}

TEST(AgentConfigTest, ReadsEveryKey) {
  const absl::StatusOr<AgentConfig> config = Parse(R"(
stateDirectory: /s
repository: /r
maxRuns: 5
pgBindir: /usr/lib/postgresql/15/bin
labels: {site: berlin}
databases:
  - {name: "a/b", url: "postgresql://u@h/orders", labels: {env: prod}}
  - {url: "host=/run dbname='odd name' user=u"}
)");
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->state_directory, "/s");
  EXPECT_EQ(config->repository, "/r");
  EXPECT_EQ(config->max_runs, 5);
  EXPECT_EQ(config->pg_bindir, "/usr/lib/postgresql/15/bin");
  EXPECT_THAT(config->labels, ElementsAre(Pair("site", "berlin")));
  ASSERT_EQ(config->databases.size(), 2u);
  EXPECT_EQ(config->databases[0].id, "a/b");
  EXPECT_EQ(config->databases[0].database_name, "orders");
  EXPECT_EQ(config->databases[0].target.url, "postgresql://u@h/orders");
  EXPECT_THAT(config->databases[0].labels, ElementsAre(Pair("env", "prod")));
  EXPECT_EQ(config->databases[1].id, "odd name");
}

TEST(AgentConfigTest, HasDefaults) {
  const absl::StatusOr<AgentConfig> config = Parse("databases: [{url: postgresql://u@h/orders}]\n");
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->state_directory, "/var/lib/backup-agent");
  EXPECT_EQ(config->repository, "/backups");
  EXPECT_EQ(config->max_runs, 2);
  EXPECT_EQ(config->drill_directory, "/var/tmp");
  EXPECT_THAT(config->restore_targets, IsEmpty());
  EXPECT_EQ(config->databases[0].id, "orders");
}

TEST(AgentConfigTest, NamesServersToRestoreTo) {
  const absl::StatusOr<AgentConfig> config = Parse(
      "databases: [{url: postgresql://u@h/orders}]\n"
      "drillDirectory: /scratch\n"
      "restoreTargets: [{name: standby, url: postgresql://r@s/postgres}]\n");
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->drill_directory, "/scratch");
  ASSERT_THAT(config->restore_targets, SizeIs(1));
  EXPECT_EQ(config->restore_targets[0].name, "standby");
  EXPECT_EQ(config->restore_targets[0].server.url, "postgresql://r@s/postgres");
}

TEST(AgentConfigTest, PointsAtEveryMistake) {
  struct Case {
    std::string rest;
    std::string message;
  };
  const std::string ok = "databases: [{url: postgresql://u@h/orders}]\n";
  const std::vector<Case> cases = {
      {ok + "maxRun: 3\n", "agent.yaml:4:1: "},
      {ok + "maxRuns: 65\n", "agent.yaml:4:"},
      {ok + "maxRuns: 0\n", "agent.yaml:4:"},
      {ok + "maxRuns: many\n", "agent.yaml:4:"},
      {ok + "repository: backups\n", "must be an absolute path"},
      {ok + "repository: /a\nrepository: /b\n", "agent.yaml:5:1"},
      {ok + "labels: &x {a: b}\n", "agent.yaml:4:"},
      {"databases: []\n", "no database is listed"},
      {"", "no database is listed"},
      {"databases: [{name: a}]\n", "url is missing"},
      {"databases:\n  - {url: postgresql://u@h/a}\n  - {url: postgresql://u@h/a}\n", "agent.yaml:5:11"},
      {"databases:\n  - {name: x, url: postgresql://u@h/a}\n  - {name: x, url: postgresql://u@h/b}\n",
       "\"x\" is listed before"},
      {"databases: [{name: \"\", url: postgresql://u@h/a}]\n", "1 to 63 bytes"},
      {"databases: [{url: postgresql://u@h/a, password: x}]\n", "agent.yaml:3:39"},
      {"databases: [{url: postgresql://u@h/a, passwordFile: /does/not/exist}]\n", "/does/not/exist"},
      {ok + "drillDirectory: scratch\n", "must be an absolute path"},
      {ok + "restoreTargets: [{url: postgresql://u@h/a}]\n", "a restore target needs a name"},
      {ok + "restoreTargets: [{name: A B, url: postgresql://u@h/a}]\n", "a restore target needs a name"},
      {ok + "restoreTargets: [{name: a}]\n", "url is missing"},
      {ok + "restoreTargets: [{name: a, url: \"postgresql://u@h:x:y/a\"}]\n", "agent.yaml:4:"},
      {ok + "restoreTargets: [{name: a, url: postgresql://u@h/a}, {name: a, url: postgresql://u@h/a}]\n",
       "\"a\" is listed before"},
      {ok + "restoreTargets: [{name: a, url: postgresql://u@h/a, passwordFile: /does/not/exist}]\n", "/does/not/exist"},
  };
  for (const Case& c : cases) {
    EXPECT_THAT(Parse(c.rest), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(c.message))) << c.rest;
  }
}

TEST(AgentConfigTest, SaysAllMistakesAtOnce) {
  EXPECT_THAT(Parse("maxRuns: 99\nrepository: x\ndatabases: [{nme: a}]\n"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("agent.yaml:3:"), HasSubstr("agent.yaml:4:"), HasSubstr("agent.yaml:5:"))));
}

TEST(AgentConfigTest, WantsItsOwnKindOfFile) {
  EXPECT_THAT(ParseAgentConfig("databases: [{url: postgresql://u@h/a}]\n", "f"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("apiVersion is missing")));
  EXPECT_THAT(ParseAgentConfig("apiVersion: backup/v1\nkind: Policy\ndatabases: [{url: postgresql://u@h/a}]\n", "f"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("f:2:")));
  EXPECT_FALSE(ParseAgentConfig("", "f").ok());
}

TEST(AgentConfigTest, NeverQuotesAUrl) {
  for (const char* url : {"postgresql://u:hunter2@h:port/a", "postgres//u:hunter2@h/a", "host=h password=hunter2 x"}) {
    const absl::Status status = Parse(absl::StrCat("databases: [{url: \"", url, "\"}]\n")).status();
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument, Not(HasSubstr("hunter2")))) << url;
    EXPECT_THAT(FromEnvironment({{"DATABASE_URL", url}}).status(),
                StatusIs(absl::StatusCode::kInvalidArgument, Not(HasSubstr("hunter2"))))
        << url;
  }
}

class AgentConfigFileTest : public ::testing::Test {
 protected:
  std::string WriteConfig(const std::string& rest, mode_t mode) {
    const std::string file = temp_.Write("agent.yaml", absl::StrCat(kHead, rest));
    EXPECT_EQ(chmod(file.c_str(), mode), 0);
    return file;
  }
  TempDir temp_;
};

TEST_F(AgentConfigFileTest, RefusesAPasswordThatOthersMayRead) {
  const std::string with_password = "databases: [{url: \"postgresql://u:secret@h/a\"}]\n";

  EXPECT_THAT(LoadAgentConfig(WriteConfig(with_password, 0644)), HasReason("CONFIG_UNSAFE"));
  EXPECT_THAT(LoadAgentConfig(WriteConfig(with_password, 0660)), HasReason("CONFIG_UNSAFE"));
  EXPECT_THAT(LoadAgentConfig(WriteConfig(with_password, 0600)), IsOk());
}

TEST_F(AgentConfigFileTest, RefusesAConfigurationThatOthersMayWrite) {
  const std::string without_password = "databases: [{url: \"postgresql://u@h/a\"}]\n";

  EXPECT_THAT(LoadAgentConfig(WriteConfig(without_password, 0666)), HasReason("CONFIG_UNSAFE"));
  EXPECT_THAT(LoadAgentConfig(WriteConfig(without_password, 0644)), IsOk());
}

TEST_F(AgentConfigFileTest, PointsAtAPasswordFileThatOthersMayRead) {
  const std::string password_file = temp_.Write("pass", "secret\n");
  const std::string rest =
      absl::StrCat("databases:\n  - {url: postgresql://u@h/a, passwordFile: ", password_file, "}\n");
  ASSERT_EQ(chmod(password_file.c_str(), 0644), 0);

  EXPECT_THAT(LoadAgentConfig(WriteConfig(rest, 0644)),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("agent.yaml:4:"), HasSubstr("may be read or written by others"))));

  ASSERT_EQ(chmod(password_file.c_str(), 0600), 0);
  EXPECT_THAT(LoadAgentConfig(WriteConfig(rest, 0644)), IsOk());
}

TEST_F(AgentConfigFileTest, NamesAFileThatIsNotThere) {
  EXPECT_THAT(LoadAgentConfig("/does/not/exist.yaml"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/does/not/exist.yaml")));
}

TEST(AgentEnvironmentTest, IsEnoughForOneDatabase) {
  const absl::StatusOr<AgentConfig> config =
      FromEnvironment({{"DATABASE_URL", "postgresql://u@h/orders"}, {"BACKUP_DIR", "/b"}, {"BACKUP_STATE_DIR", "/s"}});
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->repository, "/b");
  EXPECT_EQ(config->state_directory, "/s");
  ASSERT_EQ(config->databases.size(), 1u);
  EXPECT_EQ(config->databases[0].id, "orders");
}

TEST(AgentEnvironmentTest, NamesTheVariableThatIsWrong) {
  EXPECT_THAT(FromEnvironment({}), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("DATABASE_URL")));
  EXPECT_THAT(FromEnvironment({{"DATABASE_URL", "postgresql://u@h/a"}, {"BACKUP_DIR", "b"}}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("BACKUP_DIR")));
}

}  // namespace
}  // namespace backup::agent
