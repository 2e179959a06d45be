// SPDX-License-Identifier: Apache-2.0
// `backupctl dev up` and `dev down`, as somebody who tries the product types them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "tests/system/eventually.h"
#include "tests/system/process_table.h"
#include "tests/system/program.h"
#include "tests/system/test_data.h"
#include "tests/testing/mini_postgres.h"
#include "tests/testing/temp_dir.h"

namespace backup::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class DevTest : public ::testing::Test {
 protected:
  void SetUp() override {
    // The unprivileged user of PostgreSQL has to pass through when we are root.
    ASSERT_EQ(chmod(home_.path().c_str(), 0711), 0);
    environment_ = {{"PATH", "/usr/bin:/bin"}, {"HOME", home_.path()}};
  }

  void TearDown() override {
    Ctl({"dev", "down", "--dir", directory_, "--delete-backups"});
    std::vector<ProcessEntry> left;
    Eventually(absl::Seconds(10), [&] { return (left = ProcessesMentioning(home_.path())).empty(); });
    for (const ProcessEntry& process : left) {
      ADD_FAILURE() << "left behind: " << process.pid << " " << process.name;
      kill(process.pid, SIGKILL);
    }
  }

  CommandResult Ctl(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), ProgramPath("backupctl"));
    return RunCommand(arguments, {.environment = environment_, .input = "", .timeout = absl::Minutes(3)});
  }

  // `dev up -o json`; null, and a failure, when it does not exit 0.
  nlohmann::json Up() {
    const CommandResult result = Ctl({"dev", "up", "--dir", directory_, "-o", "json"});
    EXPECT_EQ(result.exit_code, 0) << result.err << Logs();
    return nlohmann::json::parse(result.out, nullptr, false);
  }

  std::string Logs() const {
    std::string logs;
    for (const char* name : {"controller", "agent", "sample"}) {
      absl::StrAppend(&logs, "--- ", name, "\n",
                      ReadFile(absl::StrCat(directory_, "/log/", name, ".log")).value_or(""));
    }
    return logs;
  }

  std::string ProcessFile(const std::string& name) const {
    return ReadFile(absl::StrCat(directory_, "/", name, ".pid")).value_or("");
  }

  pid_t Pid(const std::string& name) const {
    pid_t pid = 0;
    std::istringstream(ProcessFile(name)) >> pid;
    return pid;
  }

  // What is left in the home directory, but for directories without a file in them.
  std::vector<std::string> Files() const {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(home_.path())) {
      if (!entry.is_directory()) files.push_back(entry.path().string());
    }
    return files;
  }

  TempDir home_;
  const std::string directory_ = home_.File("dev");
  Environment environment_;
};

TEST_F(DevTest, MakesAVerifiedBackupOfASampleDatabaseAndLeavesNothingBehind) {
  const nlohmann::json up = Up();

  ASSERT_TRUE(up.is_object());
  EXPECT_TRUE(up["madeBackup"]);
  EXPECT_EQ(up["backup"]["state"], "GOOD");
  EXPECT_EQ(up["backup"]["policy"], "policies/nightly");
  const std::string artifact = up["backup"]["path"];
  EXPECT_TRUE(std::filesystem::exists(artifact + "/dump.sql.gz")) << artifact;
  const CommandResult verified = RunCommand({ProgramPath("backup-agent"), "verify", artifact});
  EXPECT_EQ(verified.exit_code, 0) << verified.err;
  const CommandResult list = Ctl({"backup", "list"});
  EXPECT_EQ(list.exit_code, 0) << list.err;
  EXPECT_THAT(list.out, HasSubstr("school"));
  const CommandResult status = Ctl({"status"});
  EXPECT_EQ(status.exit_code, 0) << status.err;
  EXPECT_THAT(status.out, HasSubstr("school"));

  const CommandResult down = Ctl({"dev", "down", "--dir", directory_});

  EXPECT_EQ(down.exit_code, 0) << down.err;
  EXPECT_THAT(Files(), IsEmpty());
  EXPECT_TRUE(Eventually(absl::Seconds(10), [&] { return ProcessesMentioning(home_.path()).empty(); }));
}

TEST_F(DevTest, SecondCallChangesNothing) {
  const nlohmann::json first = Up();
  const std::vector<std::string> processes = {ProcessFile("controller"), ProcessFile("agent"), ProcessFile("sample")};

  const nlohmann::json second = Up();

  EXPECT_FALSE(second["madeBackup"]);
  EXPECT_EQ(second["backup"]["name"], first["backup"]["name"]);
  EXPECT_EQ(second["controller"], first["controller"]);
  EXPECT_EQ(processes,
            (std::vector<std::string>{ProcessFile("controller"), ProcessFile("agent"), ProcessFile("sample")}));
}

TEST_F(DevTest, GoesOnAfterEverythingWasKilled) {
  const nlohmann::json first = Up();
  for (const char* name : {"agent", "controller", "sample"}) {
    ASSERT_GT(Pid(name), 1) << name;
    ASSERT_EQ(kill(Pid(name), SIGKILL), 0) << name;
  }

  const nlohmann::json second = Up();

  EXPECT_FALSE(second["madeBackup"]);
  EXPECT_EQ(second["backup"]["name"], first["backup"]["name"]);
  EXPECT_EQ(second["controller"], first["controller"]);
  const CommandResult run = Ctl({"backup", "run", "school", "--wait"});
  EXPECT_EQ(run.exit_code, 0) << run.err << Logs();
}

TEST_F(DevTest, KeepsBackupsOfTheUsersOwnDatabaseAndItsPasswordToItself) {
  constexpr char kPassword[] = "canary-8d1f0c";
  const auto server = MiniPostgres::Create({.bindir = "", .tcp = true});
  ASSERT_TRUE(server.ok()) << server.status();
  ASSERT_TRUE(LoadTestDatabase(**server, {"sample", ""}, "shop").ok());
  ASSERT_TRUE((*server)->Execute(absl::StrCat("CREATE ROLE owner SUPERUSER LOGIN PASSWORD '", kPassword, "'")).ok());
  environment_.emplace_back("DATABASE_URL", (*server)->TcpUrl("shop", "owner", kPassword));
  const std::string repository = home_.File("backups");
  environment_.emplace_back("BACKUP_DIR", repository);

  const nlohmann::json up = Up();

  ASSERT_TRUE(up.is_object());
  EXPECT_EQ(up["database"], "agents/dev/databases/shop");
  EXPECT_TRUE(absl::StartsWith(up["backup"]["path"].get<std::string>(), repository + "/"));
  for (const ProcessEntry& process : ProcessesMentioning(kPassword)) {
    ADD_FAILURE() << "the password is in " << process.pid << " " << process.name;
  }
  EXPECT_FALSE(absl::StrContains(Logs(), kPassword));
  struct stat info = {};
  for (const char* name : {"/agent.yaml", "/settings.json"}) {
    ASSERT_EQ(stat((directory_ + name).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600U) << name;
  }

  EXPECT_THAT(Ctl({"dev", "down", "--dir", directory_}).out, HasSubstr(repository));
  EXPECT_TRUE(std::filesystem::exists(up["backup"]["path"].get<std::string>() + "/dump.sql.gz"));
  EXPECT_FALSE(std::filesystem::exists(directory_));

  // It is a repository still, and a new fleet goes on in it.
  EXPECT_TRUE(Up()["madeBackup"]);
  EXPECT_EQ(Ctl({"dev", "down", "--dir", directory_, "--delete-backups"}).exit_code, 0);
  // The second fleet found a repository, which is not its to remove.
  EXPECT_THAT(Files(), UnorderedElementsAre(repository + "/backup-repository.json", repository + "/.agent.lock"));
}

TEST_F(DevTest, ADatabaseThatCannotBeReachedIsToldWithItsCause) {
  environment_.emplace_back("DATABASE_URL", absl::StrCat("postgresql://nobody@/nothing?host=", home_.path()));

  const CommandResult up = Ctl({"dev", "up", "--dir", directory_});

  EXPECT_EQ(up.exit_code, 1) << up.err;
  EXPECT_THAT(up.err, HasSubstr("reason: NETWORK"));
}

TEST_F(DevTest, DownWithoutUpSaysSo) {
  const CommandResult down = Ctl({"dev", "down", "--dir", directory_});

  EXPECT_EQ(down.exit_code, 0) << down.err;
  EXPECT_THAT(down.out, HasSubstr("nothing runs"));
}

TEST_F(DevTest, AWrongRetentionIsRefusedBeforeAnythingIsStarted) {
  environment_.emplace_back("BACKUP_RETENTION_DAYS", "soon");

  const CommandResult up = Ctl({"dev", "up", "--dir", directory_});

  EXPECT_EQ(up.exit_code, 2);
  EXPECT_THAT(up.err, HasSubstr("BACKUP_RETENTION_DAYS"));
  EXPECT_THAT(Files(), IsEmpty());
}

}  // namespace
}  // namespace backup::testing
