// SPDX-License-Identifier: Apache-2.0
// A password stays where its owner put it: not in a command line, an environment, a log, an error, the catalog, a
// manifest.

#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/system/fleet_story.h"
#include "tests/system/process_table.h"

namespace backup::testing {
namespace {

constexpr char kCanary[] = "canary:p@ss/w0rd";
constexpr char kCanaryInUrl[] = "canary%3Ap%40ss%2Fw0rd";

std::vector<std::string> FormsOfTheCanary() {
  return {kCanary, kCanaryInUrl, absl::Base64Escape(kCanary), "canary:p@ss", "p@ss/w0rd"};
}

// The first form of the canary in `text`; "" when there is none.
std::string FindCanary(const std::string& text) {
  for (const std::string& form : FormsOfTheCanary()) {
    if (absl::StrContains(text, form)) return form;
  }
  return "";
}

class SecretsStory : public FleetStory {
 protected:
  MiniPostgresOptions ServerOptions() const override { return {.tcp = true, .require_passwords = true}; }

  void SetUp() override {
    FleetStory::SetUp();
    ASSERT_THAT(server_->Execute("CREATE DATABASE app"), IsOk());
    ASSERT_THAT(DumpGate::Prepare(*server_, "app"), IsOk());
    ASSERT_THAT(server_->Execute(absl::StrCat("CREATE ROLE keeper SUPERUSER LOGIN PASSWORD '", kCanary, "'")), IsOk());
  }

  // Every process of this machine that shows the canary. This test itself is not among those asked.
  static std::vector<std::string> ProcessesThatTell() {
    std::vector<std::string> found;
    for (const ProcessEntry& process : ListProcesses()) {
      if (process.pid == getpid()) continue;
      const std::string form = FindCanary(process.command_line + process.environment);
      if (!form.empty()) found.push_back(absl::StrCat(process.name, ": ", form));
    }
    return found;
  }

  // Every file under the fleet's directory that tells, but for those in which its owner wrote the password down.
  std::vector<std::string> FilesThatTell(const std::vector<std::string>& allowed) {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(fleet_->directory())) {
      if (!entry.is_regular_file()) continue;
      const std::string path = entry.path().string();
      bool skip = false;
      for (const std::string& name : allowed) skip = skip || absl::StrContains(path, name);
      if (skip) continue;
      std::stringstream text;
      text << std::ifstream(path, std::ios::binary).rdbuf();
      const std::string form = FindCanary(text.str());
      if (!form.empty()) found.push_back(absl::StrCat(path, ": ", form));
    }
    return found;
  }
};

TEST_F(SecretsStory, PasswordFromAUrlIsSeenNowhereDuringAndAfterADump) {
  MiniAgentOptions options;
  options.databases = {{.id = "app", .url = server_->TcpUrl("app", "keeper", kCanary), .password = ""}};
  MiniAgent* agent = AddAgent(std::move(options));
  ASSERT_NE(agent, nullptr);
  const absl::StatusOr<std::string> database = fleet_->AwaitDatabase("db1", "app");
  ASSERT_THAT(database.status(), IsOk());
  DumpGate gate(*server_, "app");
  const v1::Run run = BackupUntilGate(*database, gate);

  EXPECT_THAT(ProcessesThatTell(), ::testing::IsEmpty());
  gate.Open();
  EXPECT_EQ(AwaitEnd(run).state(), v1::SUCCEEDED);

  // A failure that quotes the connection must not quote the password.
  ASSERT_THAT(server_->Execute("ALTER ROLE keeper PASSWORD 'changed'"), IsOk());
  const v1::Run refused = Backup(*database);
  EXPECT_EQ(refused.failure().cause(), v1::AUTH);
  EXPECT_EQ(FindCanary(refused.DebugString()), "");
  const CommandResult described = fleet_->Ctl({"run", "describe", refused.name(), "-o", "json"});
  EXPECT_EQ(FindCanary(described.out + described.err), "");
  EXPECT_THAT(fleet_->StopAndFindLeftovers(), ::testing::IsEmpty());
  EXPECT_THAT(FilesThatTell({agent->config_file()}), ::testing::IsEmpty());
}

TEST_F(SecretsStory, OneShotDumpHidesThePasswordOfItsUrl) {
  const std::string repository = fleet_->directory() + "/alone";
  CommandOptions quiet;
  quiet.environment = {{"PATH", "/usr/bin:/bin"}};
  ASSERT_EQ(RunCommand({ProgramPath("backup-agent"), "init-repository", repository}, quiet).exit_code, 0);
  CommandOptions dump;
  dump.environment = {{"PATH", "/usr/bin:/bin"},
                      {"DATABASE_URL", server_->TcpUrl("app", "keeper", kCanary)},
                      {"BACKUP_DIR", repository}};
  const CommandResult good = RunCommand({ProgramPath("backup-agent"), "dump", "-o", "json"}, dump);
  EXPECT_EQ(good.exit_code, 0) << good.err;
  ASSERT_THAT(server_->Execute("ALTER ROLE keeper PASSWORD 'changed'"), IsOk());
  const CommandResult bad = RunCommand({ProgramPath("backup-agent"), "dump"}, dump);
  EXPECT_EQ(bad.exit_code, 4) << bad.err;

  EXPECT_EQ(FindCanary(good.out + good.err + bad.out + bad.err), "");
  EXPECT_THAT(FilesThatTell({}), ::testing::IsEmpty());
}

TEST_F(SecretsStory, MalformedUrlIsNotQuotedWithItsPassword) {
  for (const std::string& url : std::vector<std::string>{absl::StrCat("postgresql://keeper:", kCanary, "@[::1/app"),
                                                         absl::StrCat("postgres://u:", kCanary, "@h:port/x"),
                                                         absl::StrCat("host=h password='", kCanary),
                                                         absl::StrCat("postgresql://u:", kCanary, "%zz@h/app")}) {
    CommandOptions options;
    options.environment = {{"PATH", "/usr/bin:/bin"}, {"DATABASE_URL", url}, {"BACKUP_DIR", fleet_->directory()}};
    const CommandResult result = RunCommand({ProgramPath("backup-agent"), "dump"}, options);
    EXPECT_NE(result.exit_code, 0);
    EXPECT_EQ(FindCanary(result.out + result.err), "") << url;
  }
}

}  // namespace
}  // namespace backup::testing
