// SPDX-License-Identifier: Apache-2.0
#include "ctl/dev_process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "ctl/dev_wait.h"
#include "tests/testing/temp_dir.h"

namespace backup::ctl {
namespace {

class DevProcessTest : public ::testing::Test {
 protected:
  // What a test left running is ours to end.
  void TearDown() override {
    ASSERT_TRUE(StopDetached(file_, SIGKILL, absl::ZeroDuration(), never_).ok());
    while (waitpid(-1, nullptr, WNOHANG) > 0) {
    }
  }

  absl::StatusOr<DetachedProcess> Start(const std::string& script) {
    DetachedOptions options;
    options.argv = {"/bin/sh", "-c", script};
    options.environment = {{"PATH", "/usr/bin:/bin"}, {"GREETING", "hello"}};
    options.log_file = directory_.File("log");
    return StartDetached(options, file_);
  }

  testing::TempDir directory_;
  const std::string file_ = directory_.File("process.pid");
  Cancellation never_;
};

TEST_F(DevProcessTest, RunsInASessionOfItsOwnUntilItIsStopped) {
  const auto process = Start("exec sleep 1000");
  ASSERT_TRUE(process.ok()) << process.status();

  EXPECT_EQ(getsid(process->pid), process->pid);
  ASSERT_TRUE(FindDetached(file_).has_value());
  EXPECT_EQ(FindDetached(file_)->pid, process->pid);

  EXPECT_TRUE(StopDetached(file_, SIGTERM, absl::Seconds(30), never_).ok());

  EXPECT_FALSE(FindDetached(file_).has_value());
  EXPECT_EQ(access(file_.c_str(), F_OK), -1);
  int status = 0;
  ASSERT_EQ(waitpid(process->pid, &status, 0), process->pid);
  EXPECT_EQ(WTERMSIG(status), SIGTERM);
}

TEST_F(DevProcessTest, OutputGoesToTheLogAndOnlyTheGivenEnvironmentIsSeen) {
  setenv("BACKUPCTL_TEST_CANARY", "leaked", 1);
  ASSERT_TRUE(Start("echo $GREETING $BACKUPCTL_TEST_CANARY; echo problem >&2; pwd").ok());

  ASSERT_TRUE(WaitUntil(absl::Seconds(30), never_, [&] { return !FindDetached(file_).has_value(); }));

  EXPECT_EQ(ReadFile(directory_.File("log")).value_or(""), "hello\nproblem\n/\n");
}

TEST_F(DevProcessTest, IsKilledWhenItDoesNotListen) {
  const auto process = Start("trap '' TERM; while :; do sleep 1000; done");
  ASSERT_TRUE(process.ok()) << process.status();

  EXPECT_TRUE(StopDetached(file_, SIGTERM, absl::Milliseconds(50), never_).ok());

  EXPECT_FALSE(FindDetached(file_).has_value());
}

TEST_F(DevProcessTest, AnotherProcessWithTheSameNumberIsNeverSignalled) {
  // This very process under a start time that is not its own: the number was given again.
  ASSERT_TRUE(WriteFileAtomically(
                  file_, absl::StrCat(getpid(), " 1 ", ReadFile("/proc/sys/kernel/random/boot_id").value_or("")))
                  .ok());

  EXPECT_FALSE(FindDetached(file_).has_value());
  EXPECT_TRUE(StopDetached(file_, SIGKILL, absl::ZeroDuration(), never_).ok());
  EXPECT_EQ(access(file_.c_str(), F_OK), -1);
}

TEST_F(DevProcessTest, AProcessOfAnotherBootIsNotFound) {
  const auto process = Start("exec sleep 1000");
  ASSERT_TRUE(process.ok()) << process.status();
  const std::string mine = ReadFile(file_).value_or("");

  ASSERT_TRUE(
      WriteFileAtomically(file_, absl::StrCat(process->pid, " ", process->start_ticks, " another-boot\n")).ok());

  EXPECT_FALSE(FindDetached(file_).has_value());
  ASSERT_TRUE(WriteFileAtomically(file_, mine).ok());
}

TEST_F(DevProcessTest, DamagedFilesMeanThatNothingRuns) {
  for (const char* text : {"", "x", "-1 5 boot", "1 1 boot", "99999999999999999999 1 b"}) {
    ASSERT_TRUE(WriteFileAtomically(file_, text).ok());
    EXPECT_FALSE(FindDetached(file_).has_value()) << text;
  }
}

TEST_F(DevProcessTest, AProgramThatIsNotThereIsAnError) {
  DetachedOptions options;
  options.argv = {directory_.File("nothing")};
  options.log_file = directory_.File("log");

  const auto started = StartDetached(options, file_);

  EXPECT_FALSE(started.ok());
  EXPECT_FALSE(FindDetached(file_).has_value());
}

}  // namespace
}  // namespace backup::ctl
