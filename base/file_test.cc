// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace backup {
namespace {

using ::backup::testing::HasHint;
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::IsOkAndHolds;
using ::backup::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

int ModeOf(const std::string& path) {
  struct stat info = {};
  EXPECT_EQ(stat(path.c_str(), &info), 0);
  return info.st_mode & 07777;
}

int EntriesOf(const std::string& directory) {
  int count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(directory)) ++count;
  return count;
}

TEST(ReadFileTest, ReadsAllBytes) {
  const testing::TempDir dir;
  const std::string contents = std::string("a\0b\n", 4) + std::string(100'000, 'x');
  EXPECT_THAT(ReadFile(dir.Write("f", contents)), IsOkAndHolds(contents));
  EXPECT_THAT(ReadFile(dir.Write("empty", "")), IsOkAndHolds(std::string()));
}

TEST(ReadFileTest, ReadsWhatTheKernelMakesUp) {
  EXPECT_THAT(ReadFile("/proc/self/status"), IsOkAndHolds(HasSubstr("Pid:")));
}

TEST(ReadFileTest, SaysWhatIsWrongAndWithWhichFile) {
  const testing::TempDir dir;
  EXPECT_THAT(ReadFile(dir.File("none")), StatusIs(absl::StatusCode::kNotFound, HasSubstr(dir.File("none"))));
  EXPECT_THAT(ReadFile(dir.File("none")), HasReason("FILE_NOT_FOUND"));
  EXPECT_THAT(ReadFile(dir.path()), HasReason("IO"));
  EXPECT_THAT(ReadFile("/dev/zero"), HasReason("IO"));
}

TEST(ReadFileTest, RefusesMoreThanTheLimit) {
  const testing::TempDir dir;
  const std::string file = dir.Write("f", "12345");
  EXPECT_THAT(ReadFile(file, 5), IsOkAndHolds(std::string("12345")));
  EXPECT_THAT(ReadFile(file, 4), AllOf(StatusIs(absl::StatusCode::kResourceExhausted), HasReason("FILE_TOO_LARGE")));
}

TEST(ReadFileTest, DoesNotBlockOnAFifo) {
  const testing::TempDir dir;
  ASSERT_EQ(mkfifo(dir.File("fifo").c_str(), 0600), 0);
  EXPECT_THAT(ReadFile(dir.File("fifo")), StatusIs(absl::StatusCode::kInternal, HasSubstr("not a regular file")));
}

TEST(WriteFileAtomicallyTest, ReplacesContentsAndMode) {
  const testing::TempDir dir;
  const std::string file = dir.Write("f", "old and longer");
  ASSERT_EQ(chmod(file.c_str(), 0644), 0);
  EXPECT_THAT(WriteFileAtomically(file, "new"), IsOk());
  EXPECT_THAT(ReadFile(file), IsOkAndHolds(std::string("new")));
  EXPECT_EQ(ModeOf(file), 0600);
  EXPECT_THAT(WriteFileAtomically(file, "newer", 0644), IsOk());
  EXPECT_EQ(ModeOf(file), 0644);
  EXPECT_EQ(EntriesOf(dir.path()), 1);
}

TEST(WriteFileAtomicallyTest, ReplacesALinkAndNotItsTarget) {
  const testing::TempDir dir;
  const std::string target = dir.Write("target", "untouched");
  ASSERT_EQ(symlink(target.c_str(), dir.File("link").c_str()), 0);
  EXPECT_THAT(WriteFileAtomically(dir.File("link"), "new"), IsOk());
  EXPECT_THAT(ReadFile(target), IsOkAndHolds(std::string("untouched")));
}

TEST(WriteFileAtomicallyTest, LeavesTheOldFileAndNothingElseOnFailure) {
  const testing::TempDir dir;
  ASSERT_EQ(mkdir(dir.File("f").c_str(), 0700), 0);
  EXPECT_THAT(WriteFileAtomically(dir.File("f"), "new"),
              StatusIs(absl::StatusCode::kInternal, HasSubstr(dir.File("f"))));
  EXPECT_EQ(EntriesOf(dir.path()), 1);
  EXPECT_THAT(WriteFileAtomically(dir.File("none/f"), "new"), HasReason("FILE_NOT_FOUND"));
}

TEST(ErrnoToStatusTest, NamesTheKindOfFailure) {
  const struct {
    int error_number;
    absl::StatusCode code;
    const char* reason;
  } kCases[] = {
      {ENOENT, absl::StatusCode::kNotFound, "FILE_NOT_FOUND"},
      {ENOTDIR, absl::StatusCode::kNotFound, "FILE_NOT_FOUND"},
      {EACCES, absl::StatusCode::kPermissionDenied, "FILE_NOT_READABLE"},
      {EROFS, absl::StatusCode::kPermissionDenied, "FILE_NOT_READABLE"},
      {ENOSPC, absl::StatusCode::kResourceExhausted, "DISK_FULL"},
      {EDQUOT, absl::StatusCode::kResourceExhausted, "DISK_FULL"},
      {EIO, absl::StatusCode::kInternal, "IO"},
  };
  for (const auto& c : kCases) {
    EXPECT_THAT(ErrnoToStatus(c.error_number, "cannot write /x"), AllOf(StatusIs(c.code), HasReason(c.reason)));
  }
  EXPECT_EQ(ErrnoToStatus(ENOSPC, "cannot write /x").message(), "cannot write /x: no space left on device");
}

TEST(ErrnoToStatusTest, AFullDeviceIsDiskFull) {
  const FileDescriptor full(open("/dev/full", O_WRONLY | O_CLOEXEC));
  ASSERT_TRUE(full.valid());
  ASSERT_LT(write(full.get(), "x", 1), 0);
  EXPECT_THAT(ErrnoToStatus(errno, "cannot write /dev/full"), HasReason("DISK_FULL"));
}

TEST(MakeDirectoriesTest, MakesAllOfThePath) {
  const testing::TempDir dir;
  EXPECT_THAT(MakeDirectories(dir.File("a/b/c"), 0700), IsOk());
  EXPECT_EQ(ModeOf(dir.File("a")), 0700);
  EXPECT_EQ(ModeOf(dir.File("a/b/c")), 0700);
  EXPECT_THAT(MakeDirectories(dir.File("a/b/c")), IsOk());
  EXPECT_THAT(MakeDirectories(dir.File("a/b/d/")), IsOk());
  EXPECT_THAT(MakeDirectories("/"), IsOk());
  EXPECT_THAT(MakeDirectories(dir.Write("file", "")), HasReason("FILE_NOT_FOUND"));
  EXPECT_THAT(MakeDirectories(dir.File("file/x")), HasReason("FILE_NOT_FOUND"));
}

TEST(FileDescriptorTest, ClosesOnceAndMoves) {
  int fds[2];
  ASSERT_EQ(pipe2(fds, O_CLOEXEC), 0);
  FileDescriptor read_end(fds[0]);
  FileDescriptor write_end(fds[1]);
  FileDescriptor moved(std::move(write_end));
  EXPECT_FALSE(write_end.valid());  // NOLINT(bugprone-use-after-move): that is what is tested.
  EXPECT_EQ(moved.get(), fds[1]);
  moved = FileDescriptor();
  char byte;
  EXPECT_EQ(read(read_end.get(), &byte, 1), 0) << "the write end is closed";
  const int raw = read_end.Release();
  EXPECT_FALSE(read_end.valid());
  EXPECT_EQ(close(raw), 0);
}

TEST(FileLockTest, IsExclusiveAndNamesItsOwner) {
  const testing::TempDir dir;
  {
    const auto first = FileLock::Acquire(dir.File("lock"), "the data directory");
    ASSERT_THAT(first, IsOk());
    const auto second = FileLock::Acquire(dir.File("lock"), "the data directory");
    EXPECT_THAT(second, AllOf(StatusIs(absl::StatusCode::kFailedPrecondition,
                                       absl::StrCat("the data directory is in use by process ", getpid())),
                              HasReason("LOCKED"), HasHint("stop that one first")));
    EXPECT_EQ(ModeOf(dir.File("lock")), 0600);
  }
  EXPECT_THAT(FileLock::Acquire(dir.File("lock"), "the data directory"), IsOk());
}

TEST(FileLockTest, SaysWhyItCannotLock) {
  const testing::TempDir dir;
  EXPECT_THAT(FileLock::Acquire(dir.File("none/lock"), "x"), HasReason("FILE_NOT_FOUND"));
  ASSERT_EQ(symlink("/etc/passwd", dir.File("link").c_str()), 0);
  EXPECT_THAT(FileLock::Acquire(dir.File("link"), "x"), StatusIs(absl::StatusCode::kInternal));
}

}  // namespace
}  // namespace backup
