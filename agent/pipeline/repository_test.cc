// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/repository.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "agent/pipeline/artifact_writer.h"
#include "agent/pipeline/manifest_file.h"
#include "agent/pipeline/testing/directory.h"
#include "agent/pipeline/testing/sample_artifact.h"
#include "base/file.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace backup::agent {
namespace {

namespace fs = std::filesystem;
using agent::testing::MakeSampleArtifact;
using agent::testing::NamesIn;
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::IsOkAndHolds;
using ::backup::testing::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kId[] = "20261123T220000Z-7k3m9q2x4d";
const absl::Time kNow = absl::FromUnixSeconds(1795471200);

class RepositoryTest : public ::testing::Test {
 protected:
  RepositoryTest() : root_(dir_.File("repository")) {}
  std::string MakeRepository() {
    auto id = Repository::Init(root_, Random::Real(), kNow);
    EXPECT_THAT(id, IsOk());
    return id.value_or("");
  }
  TempDir dir_;
  std::string root_;
};

TEST_F(RepositoryTest, InitMakesAPrivateDirectoryWithAMarker) {
  const std::string id = MakeRepository();
  EXPECT_THAT(ReadRepositoryId(root_), IsOkAndHolds(id));
  struct stat info;
  ASSERT_EQ(stat(root_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0700u);
  auto marker = ReadFile(root_ + "/backup-repository.json");
  ASSERT_THAT(marker, IsOk());
  EXPECT_EQ(*marker,
            absl::StrCat("{\"formatVersion\":1,\"id\":\"", id, "\",\"createTime\":\"2026-11-23T22:00:00Z\"}\n"));
}

TEST_F(RepositoryTest, InitTwiceKeepsTheId) {
  const std::string id = MakeRepository();
  EXPECT_THAT(Repository::Init(root_, Random::Real(), kNow), IsOkAndHolds(id));
}

TEST_F(RepositoryTest, InitTakesAnEmptyVolumeAndNothingElse) {
  ASSERT_THAT(MakeDirectories(root_ + "/lost+found"), IsOk());
  EXPECT_THAT(Repository::Init(root_, Random::Real(), kNow), IsOk());
  TempDir other;
  other.Write("precious", "x");
  EXPECT_THAT(Repository::Init(other.path(), Random::Real(), kNow), HasReason("REPOSITORY_UNAVAILABLE"));
  EXPECT_THAT(NamesIn(other.path()), ElementsAre("precious"));
}

TEST_F(RepositoryTest, AnUnmountedVolumeIsNotFilled) {
  ASSERT_THAT(MakeDirectories(root_), IsOk());
  EXPECT_THAT(Repository::Open(root_, "a1", Repository::Access::kDaemon), HasReason("REPOSITORY_UNAVAILABLE"));
  EXPECT_THAT(NamesIn(root_), IsEmpty());
  EXPECT_THAT(Repository::Open(root_ + "/missing", "a1", Repository::Access::kDaemon),
              HasReason("REPOSITORY_UNAVAILABLE"));
}

TEST_F(RepositoryTest, AnotherVolumeIsRefused) {
  MakeRepository();
  auto opened = Repository::Open(root_, "a1", Repository::Access::kDaemon, "another-id");
  EXPECT_THAT(opened, HasReason("REPOSITORY_UNAVAILABLE"));
  EXPECT_THAT(std::string(opened.status().message()), HasSubstr("another-id"));
}

TEST_F(RepositoryTest, UnsafeRootsAreRefused) {
  MakeRepository();
  chmod(root_.c_str(), 0777);
  EXPECT_THAT(ReadRepositoryId(root_), HasReason("REPOSITORY_UNAVAILABLE"));
  chmod(root_.c_str(), 0720);
  EXPECT_THAT(ReadRepositoryId(root_), HasReason("REPOSITORY_UNAVAILABLE"));
  chmod(root_.c_str(), 0700);
  ASSERT_EQ(symlink(root_.c_str(), dir_.File("link").c_str()), 0);
  EXPECT_THAT(ReadRepositoryId(dir_.File("link")), HasReason("REPOSITORY_UNAVAILABLE"));
  EXPECT_THAT(ReadRepositoryId(dir_.Write("file", "x")), HasReason("REPOSITORY_UNAVAILABLE"));
  if (geteuid() == 0) {
    ASSERT_EQ(chown(root_.c_str(), 12345, 12345), 0);
    EXPECT_THAT(ReadRepositoryId(root_), HasReason("REPOSITORY_UNAVAILABLE"));
  }
}

TEST_F(RepositoryTest, ADamagedMarkerIsNoMarker) {
  MakeRepository();
  for (const std::string text : {"", "{", "[]", "{\"id\":\"x\"}", "{\"id\":5,\"formatVersion\":1}",
                                 "{\"id\":\"\",\"formatVersion\":1}", "{\"id\":\"x\",\"formatVersion\":2}", "\xff"}) {
    ASSERT_THAT(WriteFileAtomically(root_ + "/backup-repository.json", text), IsOk());
    EXPECT_THAT(ReadRepositoryId(root_), HasReason("REPOSITORY_UNAVAILABLE")) << text;
  }
}

TEST_F(RepositoryTest, ASecondDaemonIsRefusedWhateverItsName) {
  MakeRepository();
  auto first = Repository::Open(root_, "a1", Repository::Access::kDaemon);
  ASSERT_THAT(first, IsOk());
  EXPECT_THAT(Repository::Open(root_, "a1", Repository::Access::kDaemon), HasReason("REPOSITORY_BUSY"));
  EXPECT_THAT(Repository::Open(root_, "a2", Repository::Access::kDaemon), HasReason("REPOSITORY_BUSY"));
  // On a bad day a dump by hand works beside it, but not two at once.
  auto by_hand = Repository::Open(root_, "local", Repository::Access::kOneShot);
  EXPECT_THAT(by_hand, IsOk());
  EXPECT_THAT(Repository::Open(root_, "local", Repository::Access::kOneShot), HasReason("REPOSITORY_BUSY"));
}

TEST_F(RepositoryTest, RemoveLeftoversTakesOnlyItsOwnUnfinishedOnes) {
  MakeRepository();
  auto repository = Repository::Open(root_, "a1", Repository::Access::kDaemon);
  ASSERT_THAT(repository, IsOk());
  EXPECT_THAT(repository->RemoveLeftovers({}, absl::InfiniteFuture()), IsOkAndHolds(IsEmpty()));
  TempDir victim;
  victim.Write("keep", "x");
  const std::string database = root_ + "/a1/shop";
  const std::string partial = absl::StrCat(database, "/.partial-", kId);
  ASSERT_THAT(MakeDirectories(partial), IsOk());
  ASSERT_THAT(WriteFileAtomically(partial + "/dump.sql.gz", "half"), IsOk());
  ASSERT_EQ(symlink(victim.path().c_str(), (partial + "/link").c_str()), 0);
  ASSERT_THAT(MakeDirectories(absl::StrCat(database, "/", kId)), IsOk());
  ASSERT_THAT(MakeDirectories(database + "/.partial-strange"), IsOk());
  ASSERT_THAT(MakeDirectories(absl::StrCat(root_, "/a2/shop/.partial-", kId)), IsOk());
  ASSERT_EQ(symlink(victim.path().c_str(), absl::StrCat(database, "/.partial-20261124T220000Z-7k3m9q2x4d").c_str()), 0);
  ASSERT_EQ(symlink((root_ + "/a2/shop").c_str(), (root_ + "/a1/linked").c_str()), 0);

  EXPECT_THAT(repository->RemoveLeftovers({}, absl::InfiniteFuture()), IsOkAndHolds(ElementsAre(partial)));

  EXPECT_THAT(NamesIn(database), ElementsAre(".partial-20261124T220000Z-7k3m9q2x4d", ".partial-strange", kId));
  EXPECT_THAT(NamesIn(root_ + "/a2/shop"), SizeIs(1));
  EXPECT_THAT(NamesIn(victim.path()), ElementsAre("keep"));
  EXPECT_THAT(repository->RemoveLeftovers({}, absl::InfiniteFuture()), IsOkAndHolds(IsEmpty()));
}

TEST_F(RepositoryTest, RemoveLeftoversFinishesADeletionThatWasCutOff) {
  MakeRepository();
  auto repository = Repository::Open(root_, "a1", Repository::Access::kDaemon);
  ASSERT_THAT(repository, IsOk());
  const std::string removing = absl::StrCat(root_, "/a1/shop/.removing-", kId);
  ASSERT_THAT(MakeDirectories(removing), IsOk());
  ASSERT_THAT(WriteFileAtomically(removing + "/manifest.json", "{}"), IsOk());
  EXPECT_THAT(repository->RemoveLeftovers({}, absl::InfiniteFuture()), IsOkAndHolds(ElementsAre(removing)));
  EXPECT_THAT(NamesIn(root_ + "/a1/shop"), IsEmpty());
}

TEST_F(RepositoryTest, RemoveLeftoversLeavesWhatIsWorkedOnOrWasWrittenLately) {
  MakeRepository();
  auto repository = Repository::Open(root_, "a1", Repository::Access::kDaemon);
  ASSERT_THAT(repository, IsOk());
  const std::string partial = absl::StrCat(root_, "/a1/shop/.partial-", kId);
  ASSERT_THAT(MakeDirectories(partial), IsOk());
  ASSERT_THAT(WriteFileAtomically(partial + "/dump.sql.gz", "half"), IsOk());
  struct stat info;
  ASSERT_EQ(stat((partial + "/dump.sql.gz").c_str(), &info), 0);
  const absl::Time written = absl::TimeFromTimespec(info.st_mtim);

  EXPECT_THAT(repository->RemoveLeftovers({kId}, absl::InfiniteFuture()), IsOkAndHolds(IsEmpty()));
  EXPECT_THAT(repository->RemoveLeftovers({}, written - absl::Seconds(1)), IsOkAndHolds(IsEmpty()));
  EXPECT_THAT(repository->RemoveLeftovers({}, written + absl::Hours(1)), IsOkAndHolds(ElementsAre(partial)));
}

TEST_F(RepositoryTest, StatusTellsSpaceAndWhenItIsGone) {
  const std::string id = MakeRepository();
  auto repository = Repository::Open(root_, "a1", Repository::Access::kDaemon);
  ASSERT_THAT(repository, IsOk());
  v1::RepositoryStatus status = repository->Status();
  EXPECT_EQ(status.id(), id);
  EXPECT_EQ(status.path(), root_);
  EXPECT_GT(status.total_bytes(), 0);
  EXPECT_GT(status.free_bytes(), 0);
  EXPECT_EQ(status.problem(), "");
  fs::rename(root_, root_ + "-unmounted");
  EXPECT_THAT(repository->Status().problem(), HasSubstr("not there"));
}

TEST_F(RepositoryTest, ListsArtifactsNewestFirst) {
  MakeRepository();
  MakeSampleArtifact(root_, "a1", "shop", "20261121T220000Z-7k3m9q2x4d");
  MakeSampleArtifact(root_, "a1", "-odd/na me\n", "20261123T220000Z-7k3m9q2x4d");
  MakeSampleArtifact(root_, "a2", "shop", "20261122T220000Z-7k3m9q2x4d");
  // Not artifacts: unfinished, other names, a symlink.
  ASSERT_THAT(MakeDirectories(absl::StrCat(root_, "/a1/shop/.partial-", kId)), IsOk());
  ASSERT_THAT(MakeDirectories(root_ + "/a1/shop/notes"), IsOk());
  ASSERT_EQ(symlink((root_ + "/a2/shop/20261122T220000Z-7k3m9q2x4d").c_str(),
                    (root_ + "/a1/shop/20261122T220000Z-7k3m9q2x4d").c_str()),
            0);
  // One whose manifest is gone.
  ASSERT_THAT(MakeDirectories(root_ + "/a2/shop/20261120T220000Z-7k3m9q2x4d"), IsOk());

  auto artifacts = ListArtifacts(root_);
  ASSERT_THAT(artifacts, IsOk());
  ASSERT_THAT(*artifacts, SizeIs(4));
  EXPECT_EQ((*artifacts)[0].database, "-odd/na me\n");
  EXPECT_THAT((*artifacts)[0].manifest, IsOk());
  EXPECT_EQ((*artifacts)[1].agent, "a2");
  EXPECT_EQ((*artifacts)[2].backup_id, "20261121T220000Z-7k3m9q2x4d");
  EXPECT_THAT((*artifacts)[3].manifest, HasReason("CORRUPT"));

  auto of_one = ListArtifacts(root_, "a1");
  ASSERT_THAT(of_one, IsOk());
  EXPECT_THAT(*of_one, SizeIs(2));
  EXPECT_THAT(ListArtifacts(root_ + "/missing"), HasReason("REPOSITORY_UNAVAILABLE"));
}

}  // namespace
}  // namespace backup::agent
