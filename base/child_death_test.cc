// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/child_process.h"
#include "base/file.h"
#include "tests/testing/matchers.h"
#include "tests/testing/shell_child.h"

namespace backup {
namespace {

using ::backup::testing::IsOk;
using ::backup::testing::kLong;

// Set in the second run of this program, which is the parent that gets killed; its value is the child's user, or empty.
constexpr char kParentVariable[] = "BACKUPCTL_TEST_PARENT_OF_USER";

// The second run: starts a child, writes its pid, and stays.
void BeTheParent(const std::string& user) {
  ChildOptions options;
  options.argv = {"/bin/sleep", "1000"};
  if (!user.empty()) options.run_as_user = user;
  const auto child = ChildProcess::Start(options);
  ASSERT_THAT(child, IsOk());
  // Told only when setpriv has become the child: from then on the death signal is armed.
  while (std::filesystem::read_symlink(absl::StrCat("/proc/", (*child)->pid(), "/exe")).filename() != "sleep") {
    ASSERT_FALSE((*child)->Wait(absl::Milliseconds(1)).has_value());
  }
  fprintf(stderr, "%d\n", (*child)->pid());
  (*child)->Wait(absl::InfiniteDuration());
}

void ExpectDeathWithTheParent(const std::string& user) {
  int fds[2];
  ASSERT_EQ(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
  const FileDescriptor read_end(fds[0]);
  FileDescriptor write_end(fds[1]);
  ChildOptions options;
  options.argv = {std::filesystem::read_symlink("/proc/self/exe").string(),
                  "--gtest_filter=ChildDeathTest.AChildDiesWithItsParent"};
  options.environment = {{kParentVariable, user}};
  options.pipe_stdout = false;
  options.stderr_fd = write_end.get();
  const auto parent = ChildProcess::Start(options);
  ASSERT_THAT(parent, IsOk());
  write_end.Reset();
  char text[32] = {};
  ASSERT_THAT(ReadSome(read_end.get(), text, sizeof(text) - 1, kLong, nullptr), IsOk());
  int pid = 0;
  ASSERT_TRUE(absl::SimpleAtoi(text, &pid)) << text;
  const FileDescriptor grandchild(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  ASSERT_TRUE(grandchild.valid());

  // The parent alone, not its group: its child has a group of its own anyway.
  ASSERT_EQ(kill((*parent)->pid(), SIGKILL), 0);

  pollfd ended = {grandchild.get(), POLLIN, 0};
  EXPECT_EQ(poll(&ended, 1, static_cast<int>(absl::ToInt64Milliseconds(kLong))), 1) << "it outlived its parent";
  if (ended.revents == 0) kill(pid, SIGKILL);
}

TEST(ChildDeathTest, AChildDiesWithItsParent) {
  if (const char* const user = getenv(kParentVariable); user != nullptr) {
    BeTheParent(user);
  } else {
    ExpectDeathWithTheParent("");
  }
}

TEST(ChildDeathTest, AChildOfAnotherUserDiesWithItsParent) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  ExpectDeathWithTheParent("nobody");
}

}  // namespace
}  // namespace backup
