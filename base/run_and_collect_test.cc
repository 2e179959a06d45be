// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "base/child_process.h"
#include "base/file.h"
#include "tests/testing/matchers.h"
#include "tests/testing/shell_child.h"

namespace backup {
namespace {

using ::backup::testing::HasReason;
using ::backup::testing::IsOkAndHolds;
using ::backup::testing::kLong;
using ::backup::testing::Shell;
using ::backup::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(RunAndCollectTest, ReturnsAllOfStdout) {
  EXPECT_THAT(RunAndCollect(Shell("printf 'a\\000b'"), kLong), IsOkAndHolds(std::string("a\0b", 3)));
  const absl::StatusOr<std::string> much = RunAndCollect(Shell("head -c 1000000 /dev/zero"), kLong);
  ASSERT_TRUE(much.ok());
  EXPECT_EQ(much->size(), 1'000'000u);
}

TEST(RunAndCollectTest, AFailureShowsHowAndTheLastLinesOfStderr) {
  EXPECT_THAT(
      RunAndCollect(Shell("echo unseen; echo why >&2; exit 3"), kLong),
      AllOf(StatusIs(absl::StatusCode::kInternal, "/bin/sh exited with code 3: why"), HasReason("CHILD_FAILED")));
  EXPECT_THAT(RunAndCollect(Shell("kill -9 $$"), kLong),
              StatusIs(absl::StatusCode::kInternal, "/bin/sh was killed by signal 9 (Killed)"));
}

TEST(RunAndCollectTest, RefusesTooMuchOutput) {
  EXPECT_THAT(
      RunAndCollect(Shell("yes"), kLong, 10'000),
      AllOf(StatusIs(absl::StatusCode::kInternal, HasSubstr("more than 10000 bytes")), HasReason("CHILD_FAILED")));
}

TEST(RunAndCollectTest, KillsWhatTakesTooLong) {
  EXPECT_THAT(RunAndCollect(Shell("echo slow >&2; exec sleep 1000"), absl::Milliseconds(50)),
              AllOf(StatusIs(absl::StatusCode::kDeadlineExceeded), HasReason("CHILD_TIMEOUT")));
  EXPECT_THAT(RunAndCollect(Shell("exec >&- 2>&-; exec sleep 1000"), absl::Milliseconds(50)),
              HasReason("CHILD_TIMEOUT"));
}

class ReadSomeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    int fds[2];
    ASSERT_EQ(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    read_end_ = FileDescriptor(fds[0]);
    write_end_ = FileDescriptor(fds[1]);
  }

  FileDescriptor read_end_, write_end_;
  char buffer_[16];
};

TEST_F(ReadSomeTest, ReturnsWhatIsThereAndZeroAtTheEnd) {
  ASSERT_EQ(write(write_end_.get(), "abc", 3), 3);
  EXPECT_THAT(ReadSome(read_end_.get(), buffer_, sizeof(buffer_), kLong, nullptr), IsOkAndHolds(3u));
  write_end_.Reset();
  EXPECT_THAT(ReadSome(read_end_.get(), buffer_, sizeof(buffer_), kLong, nullptr), IsOkAndHolds(0u));
}

TEST_F(ReadSomeTest, WaitsForBytes) {
  std::thread writer([&] { EXPECT_EQ(write(write_end_.get(), "x", 1), 1); });
  EXPECT_THAT(ReadSome(read_end_.get(), buffer_, sizeof(buffer_), kLong, nullptr), IsOkAndHolds(1u));
  writer.join();
}

TEST_F(ReadSomeTest, EndsAtItsTimeout) {
  EXPECT_THAT(ReadSome(read_end_.get(), buffer_, sizeof(buffer_), absl::Milliseconds(1), nullptr),
              AllOf(StatusIs(absl::StatusCode::kDeadlineExceeded), HasReason("READ_TIMEOUT")));
}

TEST_F(ReadSomeTest, EndsWhenCancelled) {
  Cancellation cancellation;
  std::thread canceller([&] { cancellation.Cancel("enough"); });
  EXPECT_THAT(ReadSome(read_end_.get(), buffer_, sizeof(buffer_), absl::InfiniteDuration(), &cancellation),
              StatusIs(absl::StatusCode::kCancelled, "enough"));
  canceller.join();
}

TEST_F(ReadSomeTest, ABadDescriptorIsAnError) {
  EXPECT_THAT(ReadSome(-1, buffer_, sizeof(buffer_), kLong, nullptr), HasReason("IO"));
}

}  // namespace
}  // namespace backup
