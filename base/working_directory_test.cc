// SPDX-License-Identifier: Apache-2.0
#include "base/working_directory.h"

#include <gtest/gtest.h>

#include <csignal>

#include "base/child_process.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace backup {
namespace {

using ::backup::testing::IsOk;
using ::backup::testing::TempDir;

TEST(WorkingDirectoryTest, ADirectoryThatNobodyUsesIsFreeAtOnce) {
  TempDir directory;
  EXPECT_TRUE(AwaitNobodyWorksIn(directory.path(), absl::ZeroDuration()));
}

TEST(WorkingDirectoryTest, WaitsForTheLastToLeave) {
  TempDir directory;
  ChildOptions options;
  options.argv = {"/bin/sh", "-c", "cd \"$1\" && echo here && exec sleep 1000", "sh", directory.path()};
  const auto child = ChildProcess::Start(options);
  ASSERT_THAT(child, IsOk());
  char text[5];
  ASSERT_THAT(ReadSome((*child)->stdout_fd(), text, sizeof(text), absl::Seconds(60), nullptr), IsOk());

  EXPECT_FALSE(AwaitNobodyWorksIn(directory.path(), absl::Milliseconds(20)));
  ASSERT_EQ(kill((*child)->pid(), SIGKILL), 0);
  // Not waited for: it stays as a zombie.
  EXPECT_TRUE(AwaitNobodyWorksIn(directory.path(), absl::Seconds(60)));
}

}  // namespace
}  // namespace backup
