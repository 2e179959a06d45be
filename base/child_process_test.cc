// SPDX-License-Identifier: Apache-2.0
#include "base/child_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/child_stderr.h"
#include "base/file.h"
#include "tests/testing/matchers.h"
#include "tests/testing/shell_child.h"
#include "tests/testing/temp_dir.h"

namespace backup {
namespace {

using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::IsOkAndHolds;
using ::backup::testing::kLong;
using ::backup::testing::Shell;
using ::backup::testing::StartShell;
using ::backup::testing::StatusIs;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Reads stdout up to and with the first line end.
std::string ReadLine(const ChildProcess& child) {
  std::string line;
  char byte = 0;
  while (byte != '\n') {
    const absl::StatusOr<size_t> count = ReadSome(child.stdout_fd(), &byte, 1, kLong, nullptr);
    EXPECT_THAT(count, IsOkAndHolds(1u));
    if (!count.ok() || *count == 0) break;
    line += byte;
  }
  return line;
}

pid_t ReadPid(const ChildProcess& child) {
  int pid = 0;
  EXPECT_TRUE(absl::SimpleAtoi(ReadLine(child), &pid));
  return pid;
}

// Watches a process that need not be ours from when it surely lives.
class Watch {
 public:
  explicit Watch(pid_t pid) : pidfd_(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))) { EXPECT_TRUE(pidfd_.valid()); }
  bool EndsWithin(absl::Duration timeout) const {
    pollfd fds = {pidfd_.get(), POLLIN, 0};
    return poll(&fds, 1, static_cast<int>(absl::ToInt64Milliseconds(timeout))) == 1;
  }

 private:
  FileDescriptor pidfd_;
};

int OpenDescriptors() {
  int count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

TEST(ExitStatusTest, SaysHowItEnded) {
  EXPECT_EQ((ExitStatus{1, 0}).ToString(), "exited with code 1");
  EXPECT_EQ((ExitStatus{-1, SIGKILL}).ToString(), "was killed by signal 9 (Killed)");
  EXPECT_TRUE((ExitStatus{0, 0}).ok());
  EXPECT_FALSE((ExitStatus{-1, SIGTERM}).ok());
}

TEST(ChildProcessTest, ReportsExitCodesAndSignals) {
  EXPECT_EQ(StartShell("exit 0")->Wait(kLong)->code, 0);
  EXPECT_EQ(StartShell("exit 7")->Wait(kLong)->code, 7);
  const std::unique_ptr<ChildProcess> killed = StartShell("kill -TERM $$");
  const std::optional<ExitStatus> status = killed->Wait(kLong);
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->signal, SIGTERM);
  EXPECT_EQ(status->code, -1);
  EXPECT_EQ(killed->Wait(kLong)->signal, SIGTERM) << "and says the same again";
}

TEST(ChildProcessTest, AMissingProgramIsNotFound) {
  const testing::TempDir dir;
  for (const std::string& program :
       {dir.File("none"), dir.path(), dir.Write("plain", "not executable"), std::string("sh"), std::string("")}) {
    ChildOptions options;
    options.argv = {program};
    EXPECT_THAT(ChildProcess::Start(options),
                AllOf(StatusIs(absl::StatusCode::kNotFound), HasReason("PROGRAM_NOT_FOUND")))
        << program;
  }
  EXPECT_THAT(ChildProcess::Start(ChildOptions()), HasReason("PROGRAM_NOT_FOUND"));
}

TEST(ChildProcessTest, RefusesANulInAnArgument) {
  EXPECT_THAT(ChildProcess::Start(Shell(std::string("echo a\0b", 8))), HasReason("SPAWN_FAILED"));
}

TEST(ChildProcessTest, PassesArgumentsAsTheyAre) {
  ChildOptions options;
  options.argv = {"/usr/bin/printf", "%s|", "a b", "$(id)", "'\"", "-x", "", "*", "\n"};
  EXPECT_THAT(RunAndCollect(options, kLong), IsOkAndHolds(std::string("a b|$(id)|'\"|-x||*|\n|")));
}

TEST(ChildProcessTest, TheEnvironmentIsOnlyWhatIsGiven) {
  ASSERT_EQ(setenv("BACKUPCTL_TEST_SECRET", "leaked", 1), 0);
  ChildOptions options;
  options.argv = {"/usr/bin/env"};
  options.environment = {{"PGAPPNAME", "backupctl"}, {"LC_ALL", "C"}};
  EXPECT_THAT(RunAndCollect(options, kLong), IsOkAndHolds(std::string("PGAPPNAME=backupctl\nLC_ALL=C\n")));
  unsetenv("BACKUPCTL_TEST_SECRET");
}

TEST(ChildProcessTest, HasNoDescriptorButTheThreeStandardOnes) {
  const FileDescriptor leaky(fcntl(STDIN_FILENO, F_DUPFD, 50));  // Not close-on-exec, as a library might open it.
  ASSERT_TRUE(leaky.valid());
  // 3 is the directory that the shell reads.
  EXPECT_THAT(RunAndCollect(Shell("cd /proc/$$/fd && echo *"), kLong), IsOkAndHolds(std::string("0 1 2 3\n")));
}

TEST(ChildProcessTest, StartsWithDefaultSignalsAndItsOwnGroup) {
  sigset_t blocked, before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  const auto pipe_before = signal(SIGPIPE, SIG_IGN);
  const std::unique_ptr<ChildProcess> child =
      StartShell("for set in SigBlk SigIgn; do grep $set /proc/$$/status | cut -f2; done; cut -d' ' -f5 /proc/$$/stat");
  EXPECT_EQ(ReadLine(*child), "0000000000000000\n");
  // Signals 32 and 33 are glibc's own.
  EXPECT_THAT(ReadLine(*child), AnyOf("0000000000000000\n", "0000000180000000\n"));
  EXPECT_EQ(ReadPid(*child), child->pid());
  EXPECT_TRUE(child->Wait(kLong).has_value());
  signal(SIGPIPE, pipe_before);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST(ChildProcessTest, RunsInTheDirectoryAndWithTheNicenessGiven) {
  const testing::TempDir dir;
  ChildOptions options = Shell("pwd; nice");
  EXPECT_THAT(RunAndCollect(options, kLong), IsOkAndHolds(absl::StrCat("/\n", getpriority(PRIO_PROCESS, 0), "\n")));
  options.directory = dir.path();
  options.niceness = 3;
  EXPECT_THAT(RunAndCollect(options, kLong),
              IsOkAndHolds(absl::StrCat(dir.path(), "\n", getpriority(PRIO_PROCESS, 0) + 3, "\n")));
  options.directory = dir.File("none");
  EXPECT_THAT(RunAndCollect(options, kLong), HasReason("SPAWN_FAILED"));
}

TEST(ChildProcessTest, ReadsTheDescriptorGivenAsStdin) {
  const testing::TempDir dir;
  ChildOptions options;
  options.argv = {"/bin/cat"};
  EXPECT_THAT(RunAndCollect(options, kLong), IsOkAndHolds(std::string())) << "/dev/null by default";
  const FileDescriptor file(open(dir.Write("in", "hello").c_str(), O_RDONLY | O_CLOEXEC));
  options.stdin_fd = file.get();
  EXPECT_THAT(RunAndCollect(options, kLong), IsOkAndHolds(std::string("hello")));
}

TEST(ChildProcessTest, WritesToTheDescriptorsGiven) {
  const testing::TempDir dir;
  const FileDescriptor file(open(dir.File("out").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  ChildOptions options = Shell("echo out; echo err >&2");
  options.stdout_fd = file.get();
  options.stderr_fd = file.get();
  const auto child = ChildProcess::Start(options);
  ASSERT_THAT(child, IsOk());
  EXPECT_EQ((*child)->stdout_fd(), -1);
  EXPECT_TRUE((*child)->Wait(kLong)->ok());
  EXPECT_THAT((*child)->stderr_lines(), IsEmpty());
  EXPECT_THAT(ReadFile(dir.File("out")), IsOkAndHolds(std::string("out\nerr\n")));
}

TEST(ChildProcessTest, BecomesAnotherUser) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can";
  ChildOptions options = Shell("id -u; id -G; grep CapEff /proc/$$/status");
  options.run_as_user = "nobody";
  const absl::StatusOr<std::string> output = RunAndCollect(options, kLong);
  EXPECT_THAT(output, IsOkAndHolds(HasSubstr("65534\n65534\n")));
  EXPECT_THAT(output, IsOkAndHolds(HasSubstr("CapEff:\t0000000000000000")));
  options.run_as_user = "no such user";
  EXPECT_THAT(RunAndCollect(options, kLong), HasReason("SPAWN_FAILED"));
}

TEST(ChildProcessTest, WaitEndsAtItsTimeout) {
  const std::unique_ptr<ChildProcess> child = StartShell("read forever < /dev/tty || sleep 1000");
  EXPECT_FALSE(child->Wait(absl::ZeroDuration()).has_value());
  EXPECT_FALSE(child->Wait(absl::Milliseconds(1)).has_value());
}

TEST(ChildProcessTest, CancellationEndsWaiting) {
  const std::unique_ptr<ChildProcess> child = StartShell("sleep 1000");
  Cancellation cancellation;
  std::thread canceller([&] { cancellation.Cancel("enough"); });
  EXPECT_FALSE(child->Wait(absl::InfiniteDuration(), &cancellation).has_value());
  canceller.join();
  EXPECT_FALSE(child->Wait(absl::InfiniteDuration(), &cancellation).has_value()) << "also when cancelled before";
}

TEST(ChildProcessTest, KillReachesTheWholeGroup) {
  const std::unique_ptr<ChildProcess> child = StartShell("sleep 1000 & echo $!; wait");
  const Watch grandchild(ReadPid(*child));
  child->Kill(SIGKILL);
  EXPECT_EQ(child->Wait(kLong)->signal, SIGKILL);
  EXPECT_TRUE(grandchild.EndsWithin(kLong));
  child->Kill(SIGKILL);  // No effect: the number may be another's by now.
}

TEST(ChildProcessTest, TheDestructorKillsTheWholeGroup) {
  std::unique_ptr<ChildProcess> child = StartShell("trap '' TERM; sleep 1000 & echo $!; wait");
  const Watch leader(child->pid());
  const Watch grandchild(ReadPid(*child));
  child.reset();
  EXPECT_TRUE(leader.EndsWithin(absl::ZeroDuration())) << "reaped already";
  EXPECT_TRUE(grandchild.EndsWithin(kLong));
}

TEST(ChildProcessTest, TerminateAsksFirst) {
  const std::unique_ptr<ChildProcess> child =
      StartShell("trap 'exit 5' TERM; echo ready; while :; do sleep 1000 & wait; done");
  EXPECT_EQ(ReadLine(*child), "ready\n");
  EXPECT_EQ(child->Terminate(kLong).code, 5);
  EXPECT_EQ(child->Terminate(kLong).code, 5);
}

TEST(ChildProcessTest, TerminateKillsWhatDoesNotListen) {
  const std::unique_ptr<ChildProcess> child = StartShell("trap '' TERM; sleep 1000 & echo $!; wait; sleep 1000");
  const Watch grandchild(ReadPid(*child));
  EXPECT_EQ(child->Terminate(absl::Milliseconds(10)).signal, SIGKILL);
  EXPECT_TRUE(grandchild.EndsWithin(kLong));
}

TEST(ChildProcessTest, TerminateWakesAStoppedChild) {
  const std::unique_ptr<ChildProcess> child = StartShell("kill -STOP $$");
  EXPECT_EQ(child->Terminate(kLong).signal, SIGTERM);
}

TEST(ChildProcessTest, ClosingStdoutStopsAWriter) {
  const std::unique_ptr<ChildProcess> child = StartShell("exec yes");
  EXPECT_EQ(ReadLine(*child), "y\n");
  child->CloseStdout();
  EXPECT_EQ(child->stdout_fd(), -1);
  EXPECT_EQ(child->Wait(kLong)->signal, SIGPIPE);
}

TEST(ChildProcessTest, LeavesNoDescriptorOpen) {
  const int before = OpenDescriptors();
  {
    const std::unique_ptr<ChildProcess> child = StartShell("echo hi; echo ho >&2");
    EXPECT_TRUE(child->Wait(kLong).has_value());
  }
  { const std::unique_ptr<ChildProcess> killed = StartShell("sleep 1000"); }
  ChildOptions options;
  options.argv = {"/none"};
  EXPECT_FALSE(ChildProcess::Start(options).ok());
  options = Shell("exit 0");
  options.directory = "/none";
  EXPECT_FALSE(ChildProcess::Start(options).ok());
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST(ChildProcessTest, RunningOutOfDescriptorsIsAnErrorAndLeaksNone) {
  const int before = OpenDescriptors();
  rlimit limit;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  int failures = 0;
  // At each number of free descriptors another step is the one that fails.
  for (int room = 0; room < 8; ++room) {
    const int highest = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(highest);
    const rlimit low = {static_cast<rlim_t>(highest + room), limit.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
    const auto child = ChildProcess::Start(Shell("exit 0"));
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    if (child.ok()) continue;
    ++failures;
    EXPECT_THAT(child, HasReason("SPAWN_FAILED"));
  }
  EXPECT_GE(failures, 5);
  EXPECT_EQ(OpenDescriptors(), before);
}

// Takes one of our own descriptors away for as long as it lives.
class ClosedDescriptor {
 public:
  explicit ClosedDescriptor(int fd) : fd_(fd), saved_(fcntl(fd, F_DUPFD_CLOEXEC, 10)) { close(fd); }
  ~ClosedDescriptor() { dup2(saved_.get(), fd_); }

 private:
  const int fd_;
  const FileDescriptor saved_;
};

TEST(ChildProcessTest, WorksWhenOurOwnStandardStreamsAreClosed) {
  const ClosedDescriptor no_stdin(STDIN_FILENO);
  const ClosedDescriptor no_stderr(STDERR_FILENO);
  const absl::StatusOr<std::unique_ptr<ChildProcess>> child = ChildProcess::Start(Shell("cat; echo out; echo err >&2"));
  ASSERT_THAT(child, IsOk());
  EXPECT_EQ(ReadLine(**child), "out\n");
  EXPECT_TRUE((*child)->Wait(kLong)->ok());
  EXPECT_THAT((*child)->stderr_lines(), ElementsAre("err"));
}

}  // namespace
}  // namespace backup
