// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/pipeline/job.h"
#include "agent/pipeline/repository.h"
#include "agent/pipeline/testing/directory.h"
#include "agent/pipeline/testing/sample_artifact.h"
#include "base/file.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace backup::agent {
namespace {

using agent::testing::MakeSampleArtifact;
using agent::testing::NamesIn;
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::TempDir;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::ResultOf;
using ::testing::SizeIs;

constexpr char kOlder[] = "20261122T220000Z-7k3m9q2x4d";
constexpr char kNewer[] = "20261123T220000Z-7k3m9q2x4d";

class LogObserver : public JobObserver {
 public:
  void OnProgress(const v1::Progress&) override {}
  void OnLog(const std::string& line) override { lines.push_back(line); }
  std::vector<std::string> lines;
};

class RemoveArtifactTest : public ::testing::Test {
 protected:
  RemoveArtifactTest() : root_(dir_.File("repository")), shop_(root_ + "/a1/shop") {
    EXPECT_THAT(Repository::Init(root_, Random::Real(), absl::FromUnixSeconds(1795471200)), IsOk());
    MakeSampleArtifact(root_, "a1", "shop", kOlder);
    MakeSampleArtifact(root_, "a1", "shop", kNewer);
  }
  absl::StatusOr<RemoveOutcome> Remove(const std::string& id) {
    return RemoveArtifact({root_, "", "a1", "shop", id}, log_);
  }

  TempDir dir_;
  const std::string root_;
  const std::string shop_;
  LogObserver log_;
};

TEST_F(RemoveArtifactTest, RemovesTheOneThatIsMeantAndNothingElse) {
  const size_t file_count = NamesIn(absl::StrCat(shop_, "/", kOlder)).size();
  const absl::StatusOr<RemoveOutcome> outcome = Remove(kOlder);
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(static_cast<size_t>(outcome->file_count), file_count);
  EXPECT_GT(outcome->size_bytes, 0);
  EXPECT_THAT(NamesIn(shop_), ElementsAre(kNewer));
  EXPECT_THAT(NamesIn(absl::StrCat(shop_, "/", kNewer)), SizeIs(file_count));
  EXPECT_THAT(log_.lines, ElementsAre(AllOf(HasSubstr("removed"), HasSubstr(kOlder))));
}

TEST_F(RemoveArtifactTest, OneThatIsGoneAlreadyIsNoError) {
  ASSERT_THAT(Remove(kOlder), IsOk());
  EXPECT_THAT(Remove(kOlder), IsOk());
  EXPECT_THAT(RemoveArtifact({root_, "", "a1", "never", kOlder}, log_), IsOk());
  EXPECT_THAT(RemoveArtifact({root_, "", "a9", "shop", kOlder}, log_), IsOk());
  EXPECT_THAT(NamesIn(shop_), ElementsAre(kNewer));
}

TEST_F(RemoveArtifactTest, FinishesWhatAnEarlierAttemptLeft) {
  const std::string removing = absl::StrCat(shop_, "/.removing-", kOlder);
  ASSERT_EQ(rename(absl::StrCat(shop_, "/", kOlder).c_str(), removing.c_str()), 0);
  ASSERT_EQ(unlink((removing + "/manifest.json").c_str()), 0);
  EXPECT_THAT(Remove(kOlder), IsOk());
  EXPECT_THAT(NamesIn(shop_), ElementsAre(kNewer));
}

TEST_F(RemoveArtifactTest, ADamagedBackupGoesLikeAnyOther) {
  ASSERT_THAT(WriteFileAtomically(absl::StrCat(shop_, "/", kOlder, "/manifest.json"), "no manifest"), IsOk());
  EXPECT_THAT(Remove(kOlder), IsOk());
  EXPECT_THAT(NamesIn(shop_), ElementsAre(kNewer));
}

TEST_F(RemoveArtifactTest, ADirectoryWithAForeignFileIsNotTouched) {
  const std::string path = absl::StrCat(shop_, "/", kOlder);
  ASSERT_THAT(WriteFileAtomically(path + "/notes.txt", "mine"), IsOk());
  const std::vector<std::string> before = NamesIn(path);
  const absl::Status status = Remove(kOlder).status();
  EXPECT_THAT(status, HasReason("UNKNOWN_FILES"));
  EXPECT_THAT(status.message(), HasSubstr("notes.txt"));
  EXPECT_EQ(NamesIn(path), before);
}

TEST_F(RemoveArtifactTest, ADirectoryUnderAFilesNameIsNotTouched) {
  const std::string path = absl::StrCat(shop_, "/", kOlder);
  ASSERT_THAT(MakeDirectories(path + "/dump.sql"), IsOk());
  EXPECT_THAT(Remove(kOlder), HasReason("UNKNOWN_FILES"));
  EXPECT_THAT(NamesIn(path), Contains("manifest.json"));
}

TEST_F(RemoveArtifactTest, NoSymlinkIsFollowed) {
  TempDir victim;
  victim.Write("manifest.json", "x");
  const std::string linked = "20261121T220000Z-7k3m9q2x4d";
  ASSERT_EQ(symlink(victim.path().c_str(), absl::StrCat(shop_, "/", linked).c_str()), 0);
  ASSERT_EQ(symlink(victim.path().c_str(), absl::StrCat(root_, "/a1/elsewhere").c_str()), 0);
  EXPECT_THAT(Remove(linked), HasReason("UNKNOWN_FILES"));
  EXPECT_THAT(RemoveArtifact({root_, "", "a1", "elsewhere", kOlder}, log_), HasReason("UNKNOWN_FILES"));
  EXPECT_THAT(NamesIn(victim.path()), ElementsAre("manifest.json"));
}

TEST_F(RemoveArtifactTest, NothingIsRemovedFromADirectoryThatIsNoRepository) {
  ASSERT_EQ(unlink((root_ + "/backup-repository.json").c_str()), 0);
  EXPECT_THAT(Remove(kOlder), HasReason("REPOSITORY_UNAVAILABLE"));
  EXPECT_THAT(NamesIn(shop_), ElementsAre(kOlder, kNewer));
}

TEST_F(RemoveArtifactTest, WhatIsNotInAnotherVolumeWasNotRemoved) {
  const absl::StatusOr<std::string> id = ReadRepositoryId(root_);
  ASSERT_THAT(id, IsOk());
  EXPECT_THAT(RemoveArtifact({root_, "another", "a1", "shop", kOlder}, log_), HasReason("REPOSITORY_UNAVAILABLE"));
  EXPECT_THAT(NamesIn(shop_), ElementsAre(kOlder, kNewer));
  EXPECT_THAT(RemoveArtifact({root_, *id, "a1", "shop", kOlder}, log_), IsOk());
  EXPECT_THAT(NamesIn(shop_), ElementsAre(kNewer));
}

TEST_F(RemoveArtifactTest, EveryCodecIsKnown) {
  const std::string zstd = "20261120T220000Z-7k3m9q2x4d";
  const std::string none = "20261119T220000Z-7k3m9q2x4d";
  MakeSampleArtifact(root_, "a1", "shop", zstd, v1::ZSTD);
  MakeSampleArtifact(root_, "a1", "shop", none, v1::NONE);
  EXPECT_THAT(Remove(zstd), IsOk());
  EXPECT_THAT(Remove(none), IsOk());
  EXPECT_THAT(NamesIn(shop_), ElementsAre(kOlder, kNewer));
}

}  // namespace
}  // namespace backup::agent
