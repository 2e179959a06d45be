// SPDX-License-Identifier: Apache-2.0
// A repository that is full, not there, or another's: FAILED with the typed cause, what is stored stays as it is.

#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "tests/system/fleet_story.h"

namespace backup::testing {
namespace {

using ::testing::HasSubstr;

class BadRepositoryStory : public FleetStory {
 protected:
  const std::string database_ = "agents/db1/databases/app";
};

TEST_F(BadRepositoryStory, FullDiskIsDiskFullAndNothingIsDeletedToMakeRoom) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can mount a small file system";
  const std::string mount_point = fleet_->directory() + "/small";
  std::filesystem::create_directories(mount_point);
  ASSERT_EQ(mount("tmpfs", mount_point.c_str(), "tmpfs", 0, "size=3m,mode=0700"), 0);
  ASSERT_THAT(server_->Execute("CREATE DATABASE app"), IsOk());
  ASSERT_THAT(DumpGate::Prepare(*server_, "app"), IsOk());
  MiniAgentOptions options;
  options.databases = {{.id = "app", .url = server_->Url("app"), .password = ""}};
  options.repository = mount_point + "/repository";
  MiniAgent* agent = AddAgent(std::move(options));
  ASSERT_NE(agent, nullptr);
  ASSERT_THAT(fleet_->AwaitDatabase("db1", "app").status(), IsOk());
  ASSERT_EQ(Backup(database_).state(), v1::SUCCEEDED);
  ASSERT_THAT(server_->Execute("CREATE TABLE noise AS SELECT md5(g::text) || md5((g * 7)::text) AS t "
                               "FROM generate_series(1, 120000) g",
                               "app"),
              IsOk());

  const v1::Run full = Backup(database_);

  EXPECT_EQ(full.state(), v1::FAILED);
  EXPECT_EQ(full.failure().cause(), v1::DISK_FULL) << full.failure().DebugString();
  ExpectTruth(*agent, 1);
  ASSERT_EQ(mount("tmpfs", mount_point.c_str(), "tmpfs", MS_REMOUNT, "size=64m"), 0);
  EXPECT_EQ(Backup(database_).state(), v1::SUCCEEDED);
  ExpectTruth(*agent, 2);
  agent->daemon().Stop();
  EXPECT_EQ(umount2(mount_point.c_str(), MNT_DETACH), 0);
}

TEST_F(BadRepositoryStory, MissingMarkerIsRepositoryUnavailableAndNothingIsWritten) {
  MiniAgent* agent = AddAgentWithDatabase("db1", "app");
  ASSERT_NE(agent, nullptr);
  ASSERT_EQ(Backup(database_).state(), v1::SUCCEEDED);
  // As when the volume is not mounted: the directory is there, and empty.
  const std::string away = agent->repository() + ".away";
  std::filesystem::rename(agent->repository(), away);
  std::filesystem::create_directory(agent->repository());

  const v1::Run failed = Backup(database_);

  EXPECT_EQ(failed.state(), v1::FAILED);
  EXPECT_EQ(failed.failure().cause(), v1::REPOSITORY_UNAVAILABLE) << failed.failure().DebugString();
  EXPECT_THAT(failed.failure().message(), HasSubstr(agent->repository()));
  EXPECT_TRUE(std::filesystem::is_empty(agent->repository()));
  std::filesystem::remove(agent->repository());
  std::filesystem::rename(away, agent->repository());
  ExpectTruth(*agent, 1);
  EXPECT_EQ(Backup(database_).state(), v1::SUCCEEDED);
}

TEST_F(BadRepositoryStory, SecondAgentOnOneRepositoryIsRepositoryBusy) {
  MiniAgent* first = AddAgentWithDatabase("db1", "app");
  ASSERT_NE(first, nullptr);
  ASSERT_EQ(Backup(database_).state(), v1::SUCCEEDED);
  MiniAgentOptions options;
  options.id = "db2";
  options.databases = {{.id = "app", .url = server_->Url("app"), .password = ""}};
  options.repository = first->repository();
  options.make_repository = false;
  MiniAgent* second = AddAgent(std::move(options));
  ASSERT_NE(second, nullptr);
  ASSERT_THAT(fleet_->AwaitDatabase("db2", "app").status(), IsOk());

  const v1::Run refused = Backup("agents/db2/databases/app");

  EXPECT_EQ(refused.state(), v1::FAILED);
  EXPECT_EQ(refused.failure().cause(), v1::REPOSITORY_BUSY) << refused.failure().DebugString();
  EXPECT_EQ(Backup(database_).state(), v1::SUCCEEDED);
  first->daemon().Stop();
  EXPECT_EQ(Backup("agents/db2/databases/app").state(), v1::SUCCEEDED);
}

TEST_F(BadRepositoryStory, DamagedArtifactIsFoundBadByVerify) {
  MiniAgent* agent = AddAgentWithDatabase("db1", "app");
  ASSERT_NE(agent, nullptr);
  ASSERT_EQ(Backup(database_).state(), v1::SUCCEEDED);
  absl::StatusOr<std::vector<v1::Backup>> backups = fleet_->ListBackups();
  ASSERT_THAT(backups.status(), IsOk());
  ASSERT_EQ(backups->size(), 1u);
  const std::string dump = backups->front().path() + "/dump.sql.gz";
  std::filesystem::resize_file(dump, std::filesystem::file_size(dump) - 1);

  const CommandResult verified = fleet_->Ctl({"backup", "verify", backups->front().name(), "--wait"});

  EXPECT_EQ(verified.exit_code, 8) << verified.out << verified.err;
  EXPECT_THAT(verified.err + verified.out, HasSubstr("dump.sql.gz"));
  const CommandResult list = fleet_->Ctl({"backup", "list"});
  EXPECT_THAT(list.out, HasSubstr("BAD"));
}

}  // namespace
}  // namespace backup::testing
