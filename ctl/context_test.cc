// SPDX-License-Identifier: Apache-2.0
#include "ctl/context.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/errors.h"
#include "base/file.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace backup::ctl {
namespace {

using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::TempDir;
using ::testing::HasSubstr;

Context Example(const std::string& name) { return {name, "host:7443", "/pki/ca.crt", "/pki/me.crt", "/pki/me.key"}; }

TEST(ContextFileTest, AMissingFileHasNoContexts) {
  const TempDir dir;
  const auto file = ContextFile::Read(dir.File("config.yaml"));
  ASSERT_THAT(file, IsOk());
  EXPECT_TRUE(file->contexts().empty());
  EXPECT_EQ(file->current(), "");
}

TEST(ContextFileTest, ReadsBackWhatItWrote) {
  const TempDir dir;
  auto file = ContextFile::Read(dir.File("below/config.yaml"));
  ASSERT_THAT(file, IsOk());
  ASSERT_THAT(file->Put(Example("dev")), IsOk());
  ASSERT_THAT(file->Put(Example("prod")), IsOk());
  ASSERT_THAT(file->Use("prod"), IsOk());
  ASSERT_THAT(file->Write(), IsOk());

  const auto again = ContextFile::Read(dir.File("below/config.yaml"));

  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->contexts(), (std::vector<Context>{Example("dev"), Example("prod")}));
  EXPECT_EQ(again->current(), "prod");
}

TEST(ContextFileTest, IsForItsOwnerOnly) {
  const TempDir dir;
  auto file = ContextFile::Read(dir.File("below/config.yaml"));
  ASSERT_THAT(file->Put(Example("dev")), IsOk());
  ASSERT_THAT(file->Write(), IsOk());

  struct stat info = {};
  ASSERT_EQ(stat(dir.File("below/config.yaml").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  ASSERT_EQ(stat(dir.File("below").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST(ContextFileTest, TheFirstContextBecomesCurrent) {
  const TempDir dir;
  auto file = ContextFile::Read(dir.File("config.yaml"));
  ASSERT_THAT(file->Put(Example("dev")), IsOk());
  ASSERT_THAT(file->Put(Example("prod")), IsOk());
  EXPECT_EQ(file->current(), "dev");

  file->Remove("dev");

  EXPECT_EQ(file->current(), "");
  EXPECT_EQ(file->contexts().size(), 1u);
}

TEST(ContextFileTest, FilesAreRelativeToTheFileThatNamesThem) {
  const TempDir dir;
  const std::string path =
      dir.Write("config.yaml", "contexts: [{name: a, controller: \"h:1\", ca: pki/ca.crt, key: ../key}]\n");

  const auto file = ContextFile::Read(path);

  ASSERT_THAT(file, IsOk());
  EXPECT_EQ(file->contexts()[0].ca, dir.File("pki/ca.crt"));
  EXPECT_EQ(file->contexts()[0].key, dir.path().substr(0, dir.path().rfind('/')) + "/key");
}

TEST(ContextFileTest, RefusesWhatItDoesNotUnderstand) {
  const TempDir dir;
  EXPECT_THAT(ContextFile::Read(dir.Write("a", "contexts: [{name: a, host: b}]\n")).status().message(),
              HasSubstr(":1:22: contexts[0].host: unknown key"));
  EXPECT_THAT(ContextFile::Read(dir.Write("b", "contexts: [{name: a}, {name: a}]\n")).status().message(),
              HasSubstr("is there twice"));
  EXPECT_THAT(ContextFile::Read(dir.Write("c", "contexts: [{name: A}]\n")), HasReason("YAML_INVALID"));
}

TEST(ContextFileTest, UnknownNamesAreNotFound) {
  const TempDir dir;
  auto file = ContextFile::Read(dir.File("config.yaml"));
  EXPECT_THAT(file->Find("prod"), HasReason("CONTEXT_NOT_FOUND"));
  ASSERT_THAT(file->Put(Example("prod")), IsOk());
  EXPECT_THAT(file->Use("prdo"), HasReason("CONTEXT_NOT_FOUND"));
  EXPECT_EQ(ErrorHint(file->Use("prdo")), "did you mean \"prod\"?");
}

TEST(ContextFilePathTest, FollowsTheEnvironment) {
  EXPECT_EQ(*ContextFilePath({{"BACKUPCTL_CONFIG", "/c"}, {"HOME", "/h"}}), "/c");
  EXPECT_EQ(*ContextFilePath({{"XDG_CONFIG_HOME", "/x"}, {"HOME", "/h"}}), "/x/backupctl/config.yaml");
  EXPECT_EQ(*ContextFilePath({{"HOME", "/h"}}), "/h/.config/backupctl/config.yaml");
  EXPECT_THAT(ContextFilePath({}), HasReason("NO_HOME"));
}

}  // namespace
}  // namespace backup::ctl
