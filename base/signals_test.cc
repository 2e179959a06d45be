// SPDX-License-Identifier: Apache-2.0
#include "base/signals.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

namespace backup {
namespace {

// Puts the signals back as they were, for the other tests of this program.
class SignalsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    pthread_sigmask(SIG_SETMASK, nullptr, &mask_);
    pipe_handler_ = signal(SIGPIPE, SIG_DFL);
  }
  void TearDown() override {
    signal(SIGPIPE, pipe_handler_);
    pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
  }

 private:
  sigset_t mask_;
  sighandler_t pipe_handler_;
};

TEST_F(SignalsTest, WaitsForTheStopSignals) {
  StopSignal stop;
  EXPECT_EQ(stop.Wait(absl::ZeroDuration()), 0);
  EXPECT_EQ(stop.Wait(absl::Milliseconds(1)), 0);
  ASSERT_EQ(kill(getpid(), SIGTERM), 0);
  EXPECT_EQ(stop.Wait(), SIGTERM);
  ASSERT_EQ(kill(getpid(), SIGINT), 0);
  EXPECT_EQ(stop.Wait(absl::Seconds(60)), SIGINT);
}

TEST_F(SignalsTest, ThreadsStartedLaterDoNotTakeTheSignals) {
  StopSignal stop;
  std::thread thread([] { kill(getpid(), SIGTERM); });
  thread.join();
  EXPECT_EQ(stop.Wait(), SIGTERM);
}

TEST_F(SignalsTest, ABrokenPipeIsAnErrorAndNoSignal) {
  StopSignal stop;
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  close(fds[0]);
  EXPECT_EQ(write(fds[1], "x", 1), -1);
  EXPECT_EQ(errno, EPIPE);
  close(fds[1]);
}

// In a process of its own: it cannot be taken back.
[[noreturn]] void ProtectAndExit() {
  ProtectProcessMemory();
  rlimit limit = {1, 1};
  getrlimit(RLIMIT_CORE, &limit);
  _exit(limit.rlim_cur == 0 && limit.rlim_max == 0 && prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : 1);
}

TEST(ProtectProcessMemoryTest, ForbidsCoreDumpsAndTracing) {
  EXPECT_EXIT(ProtectAndExit(), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace backup
