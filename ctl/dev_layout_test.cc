// SPDX-License-Identifier: Apache-2.0
#include "ctl/dev_layout.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/errors.h"
#include "base/file.h"
#include "tests/testing/temp_dir.h"

namespace backup::ctl {
namespace {

TEST(DevDirectoryTest, FollowsTheUsersDirectories) {
  EXPECT_EQ(*DefaultDevDirectory({{"HOME", "/home/ada"}}, false), "/home/ada/.local/share/backupctl/dev");
  EXPECT_EQ(*DefaultDevDirectory({{"HOME", "/home/ada"}, {"XDG_DATA_HOME", "/data"}}, false), "/data/backupctl/dev");
  EXPECT_EQ(ErrorReason(DefaultDevDirectory({}, false).status()), "NO_HOME");
}

TEST(DevDirectoryTest, OfRootCanBeReachedByTheServersUser) {
  EXPECT_EQ(*DefaultDevDirectory({{"HOME", "/root"}}, true), "/var/lib/backupctl-dev");
}

TEST(PrepareDevDirectoryTest, NamesTheDirectoryThatBarsTheWay) {
  const testing::TempDir closed;
  ASSERT_EQ(chmod(closed.path().c_str(), 0700), 0);

  const absl::Status status = PrepareDevDirectory(closed.File("dev"), true);

  EXPECT_EQ(ErrorReason(status), "DEV_DIRECTORY_CLOSED");
  EXPECT_NE(status.message().find(closed.path()), absl::string_view::npos) << status;
}

TEST(PrepareDevDirectoryTest, OfAnOrdinaryUserIsPrivate) {
  const testing::TempDir directory;

  ASSERT_TRUE(PrepareDevDirectory(directory.File("a/dev"), false).ok());

  struct stat info = {};
  ASSERT_EQ(stat(directory.File("a/dev").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700U);
}

TEST(DevSettingsTest, ComeBackAsTheyWere) {
  const testing::TempDir directory;
  const DevLayout layout{directory.path()};
  DevSettings settings;
  settings.sample = false;
  settings.url = "postgresql://ada:secret@localhost/shop";
  settings.repository = "/backups";
  settings.made_repository = true;

  ASSERT_TRUE(WriteDevSettings(layout, settings).ok());
  const auto read = ReadDevSettings(layout);

  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->sample, settings.sample);
  EXPECT_EQ(read->url, settings.url);
  EXPECT_EQ(read->repository, settings.repository);
  EXPECT_EQ(read->made_repository, settings.made_repository);
  struct stat info = {};
  ASSERT_EQ(stat(layout.settings().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
}

TEST(DevSettingsTest, DamagedOnesSayWhatToDo) {
  const testing::TempDir directory;
  const DevLayout layout{directory.path()};
  for (const char* text : {"", "[]", "{", "{\"repository\": 5}", "{\"repository\": \"/r\", \"sample\": \"x\"}"}) {
    ASSERT_TRUE(WriteFileAtomically(layout.settings(), text).ok());
    EXPECT_EQ(ErrorReason(ReadDevSettings(layout).status()), "DEV_SETTINGS_DAMAGED") << text;
  }
}

}  // namespace
}  // namespace backup::ctl
