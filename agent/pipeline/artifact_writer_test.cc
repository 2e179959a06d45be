// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/artifact_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "agent/pipeline/testing/directory.h"
#include "base/file.h"
#include "base/x509.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace backup::agent {
namespace {

namespace fs = std::filesystem;
using agent::testing::NamesIn;
using agent::testing::OpenDescriptorCount;
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::IsOkAndHolds;
using ::backup::testing::TempDir;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kId[] = "20261123T220000Z-7k3m9q2x4d";

mode_t ModeOf(const std::string& path) {
  struct stat info = {};
  lstat(path.c_str(), &info);
  return info.st_mode & 07777;
}

TEST(ArtifactWriterTest, CommitPublishesEveryFile) {
  TempDir root;
  auto writer = ArtifactWriter::Create(root.path(), "local", "shop", kId);
  ASSERT_THAT(writer, IsOk());
  EXPECT_THAT((*writer)->WriteFile("a", "contents"), IsOkAndHolds(Sha256Hex("contents")));
  EXPECT_THAT(NamesIn((*writer)->partial_path()), ElementsAre("a"));
  EXPECT_FALSE(fs::exists((*writer)->final_path()));
  ASSERT_THAT((*writer)->Commit(), IsOk());
  const std::string path = (*writer)->final_path();
  writer->reset();
  EXPECT_EQ(path, absl::StrCat(root.path(), "/local/shop/", kId));
  EXPECT_THAT(ReadFile(path + "/a"), IsOkAndHolds("contents"));
  EXPECT_THAT(NamesIn(root.path() + "/local/shop"), ElementsAre(kId));
}

TEST(ArtifactWriterTest, WithoutCommitNothingStays) {
  TempDir root;
  {
    auto writer = ArtifactWriter::Create(root.path(), "local", "shop", kId);
    ASSERT_THAT(writer, IsOk());
    ASSERT_THAT((*writer)->WriteFile("a", "contents"), IsOk());
    auto open_file = (*writer)->CreateFile("b");
    ASSERT_THAT(open_file, IsOk());
    ASSERT_THAT((*open_file)->Write("half"), IsOk());
  }
  EXPECT_THAT(NamesIn(root.path() + "/local/shop"), IsEmpty());
}

TEST(ArtifactWriterTest, ModesDoNotDependOnTheUmask) {
  TempDir root;
  const mode_t before = umask(0);
  auto writer = ArtifactWriter::Create(root.path(), "local", "shop", kId);
  umask(before);
  ASSERT_THAT(writer, IsOk());
  ASSERT_THAT((*writer)->WriteFile("a", ""), IsOk());
  EXPECT_EQ(ModeOf((*writer)->partial_path()), 0700u);
  EXPECT_EQ(ModeOf((*writer)->partial_path() + "/a"), 0600u);
  EXPECT_EQ(ModeOf(root.path() + "/local"), 0700u);
  EXPECT_EQ(ModeOf(root.path() + "/local/shop"), 0700u);
}

TEST(ArtifactWriterTest, HostileNamesStayInsideTheRoot) {
  TempDir root;
  for (const std::string name :
       {"../../etc/x", ".", "..", "", "/", "a/b", "-rf", "new\nline", "\xff\xfe", "sp ace", "=x", "'q'"}) {
    auto writer = ArtifactWriter::Create(root.path() + "", name, name, kId);
    ASSERT_THAT(writer, IsOk()) << name;
    ASSERT_THAT((*writer)->WriteFile("a", name), IsOk());
    ASSERT_THAT((*writer)->Commit(), IsOk());
    EXPECT_TRUE(fs::path((*writer)->final_path()).lexically_normal().string().starts_with(root.path() + "/"));
    EXPECT_THAT(ReadFile((*writer)->final_path() + "/a"), IsOkAndHolds(name));
  }
  EXPECT_EQ(NamesIn(root.path()).size(), 12u);  // All different.
}

TEST(ArtifactWriterTest, NeverReplacesAnArtifact) {
  TempDir root;
  auto first = ArtifactWriter::Create(root.path(), "local", "shop", kId);
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT((*first)->WriteFile("a", "first"), IsOk());
  // One appears while ours is being made.
  const std::string path = (*first)->final_path();
  ASSERT_THAT(MakeDirectories(path), IsOk());
  EXPECT_THAT((*first)->Commit(), HasReason("IO"));
  first->reset();
  EXPECT_THAT(NamesIn(path), IsEmpty());
  EXPECT_THAT(NamesIn(root.path() + "/local/shop"), ElementsAre(kId));
  EXPECT_THAT(ArtifactWriter::Create(root.path(), "local", "shop", kId), HasReason("IO"));
}

TEST(ArtifactWriterTest, TwoOfOneIdAreRefused) {
  TempDir root;
  auto first = ArtifactWriter::Create(root.path(), "local", "shop", kId);
  ASSERT_THAT(first, IsOk());
  EXPECT_THAT(ArtifactWriter::Create(root.path(), "local", "shop", kId), HasReason("IO"));
  // And the second attempt took nothing away from the first.
  EXPECT_THAT((*first)->WriteFile("a", "x"), IsOk());
  EXPECT_THAT((*first)->Commit(), IsOk());
}

TEST(ArtifactWriterTest, SymlinksLeadNowhere) {
  TempDir root;
  TempDir victim;
  victim.Write("keep", "mine");
  // As the agent's directory, the database's, the unfinished one, the root, and a file.
  ASSERT_EQ(symlink(victim.path().c_str(), root.File("agent1").c_str()), 0);
  EXPECT_THAT(ArtifactWriter::Create(root.path(), "agent1", "shop", kId), HasReason("IO"));
  ASSERT_THAT(MakeDirectories(root.File("agent2")), IsOk());
  ASSERT_EQ(symlink(victim.path().c_str(), root.File("agent2/shop").c_str()), 0);
  EXPECT_THAT(ArtifactWriter::Create(root.path(), "agent2", "shop", kId), HasReason("IO"));
  ASSERT_THAT(MakeDirectories(root.File("agent3/shop")), IsOk());
  ASSERT_EQ(symlink(victim.path().c_str(), root.File(absl::StrCat("agent3/shop/.partial-", kId)).c_str()), 0);
  EXPECT_THAT(ArtifactWriter::Create(root.path(), "agent3", "shop", kId), HasReason("IO"));
  ASSERT_EQ(symlink(victim.path().c_str(), root.File("link").c_str()), 0);
  EXPECT_THAT(ArtifactWriter::Create(root.File("link"), "a", "shop", kId), HasReason("IO"));
  auto writer = ArtifactWriter::Create(root.path(), "agent4", "shop", kId);
  ASSERT_THAT(writer, IsOk());
  ASSERT_EQ(symlink(victim.File("keep").c_str(), ((*writer)->partial_path() + "/dump").c_str()), 0);
  EXPECT_THAT((*writer)->CreateFile("dump"), HasReason("IO"));
  writer->reset();
  EXPECT_THAT(NamesIn(victim.path()), ElementsAre("keep"));
  EXPECT_THAT(ReadFile(victim.File("keep")), IsOkAndHolds("mine"));
}

TEST(ArtifactWriterTest, ADirectorySwappedForASymlinkMidwayLeadsNowhere) {
  TempDir root;
  TempDir victim;
  auto writer = ArtifactWriter::Create(root.path(), "local", "shop", kId);
  ASSERT_THAT(writer, IsOk());
  fs::rename(root.File("local/shop"), root.File("local/moved"));
  ASSERT_EQ(symlink(victim.path().c_str(), root.File("local/shop").c_str()), 0);
  ASSERT_THAT((*writer)->WriteFile("a", "x"), IsOk());
  ASSERT_THAT((*writer)->Commit(), IsOk());
  EXPECT_THAT(NamesIn(victim.path()), IsEmpty());
  EXPECT_THAT(NamesIn(root.File("local/moved")), ElementsAre(kId));
}

TEST(ArtifactWriterTest, RefusesAnIdThatIsNone) {
  TempDir root;
  EXPECT_THAT(ArtifactWriter::Create(root.path(), "local", "shop", "../x"), HasReason("INTERNAL"));
}

TEST(ArtifactWriterTest, LeaksNoDescriptor) {
  TempDir root;
  const int before = OpenDescriptorCount();
  for (int i = 0; i < 3; ++i) {
    auto writer = ArtifactWriter::Create(root.path(), "local", "shop", kId);
    ASSERT_THAT(writer, IsOk());
    auto file = (*writer)->CreateFile("a");
    ASSERT_THAT(file, IsOk());
  }
  EXPECT_EQ(OpenDescriptorCount(), before);
}

// Runs `body` in a child process, whose limits and signals are its own; true when it returned true.
template <typename Body>
bool InChild(Body body) {
  const pid_t pid = fork();
  if (pid == 0) {
    _exit(body() ? 0 : 1);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(ArtifactWriterTest, AFileSizeLimitIsAFullDisk) {
  TempDir root;
  EXPECT_TRUE(InChild([&] {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {10000, 10000};
    setrlimit(RLIMIT_FSIZE, &limit);
    auto writer = ArtifactWriter::Create(root.path(), "local", "shop", kId);
    auto file = (*writer)->CreateFile("a");
    absl::Status status;
    for (int i = 0; i < 20 && status.ok(); ++i) {
      status = (*file)->Write(std::string(1000, 'x'));
    }
    // The error is final: finishing it is no success.
    return ErrorReason(status) == "DISK_FULL" && !(*file)->Finish().ok();
  }));
  EXPECT_THAT(NamesIn(root.File("local/shop")), IsEmpty());
}

TEST(ArtifactWriterTest, AFullFileSystemIsAFullDiskAndLeavesTheRest) {
  TempDir root;
  if (geteuid() != 0 || mount("tmpfs", root.path().c_str(), "tmpfs", MS_NOSUID, "size=256k,mode=0700") != 0) {
    GTEST_SKIP() << "needs the right to mount a tmpfs";
  }
  absl::Status status;
  {
    auto kept = ArtifactWriter::Create(root.path(), "local", "shop", "20261122T220000Z-0000000000");
    ASSERT_THAT(kept, IsOk());
    ASSERT_THAT((*kept)->WriteFile("a", std::string(50'000, 'k')), IsOk());
    ASSERT_THAT((*kept)->Commit(), IsOk());
    auto writer = ArtifactWriter::Create(root.path(), "local", "shop", kId);
    ASSERT_THAT(writer, IsOk());
    status = (*writer)->WriteFile("a", std::string(500'000, 'x')).status();
  }
  const std::vector<std::string> names = NamesIn(root.File("local/shop"));
  auto kept = ReadFile(root.File("local/shop/20261122T220000Z-0000000000/a"));
  // With space again it works.
  auto again = ArtifactWriter::Create(root.path(), "local", "shop", kId);
  const bool works = again.ok() && (*again)->WriteFile("a", std::string(100'000, 'x')).ok() && (*again)->Commit().ok();
  again = absl::UnknownError("closed");
  umount2(root.path().c_str(), MNT_DETACH);
  EXPECT_THAT(status, HasReason("DISK_FULL"));
  EXPECT_THAT(names, ElementsAre("20261122T220000Z-0000000000"));
  EXPECT_THAT(kept, IsOkAndHolds(std::string(50'000, 'k')));
  EXPECT_TRUE(works);
}

}  // namespace
}  // namespace backup::agent
