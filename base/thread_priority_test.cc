// SPDX-License-Identifier: Apache-2.0
#include "base/thread_priority.h"

#include <gtest/gtest.h>
#include <linux/ioprio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <thread>

#include "base/child_process.h"
#include "tests/testing/matchers.h"

namespace backup {
namespace {

using ::backup::testing::IsOk;

int Niceness() { return getpriority(PRIO_PROCESS, static_cast<id_t>(gettid())); }
int64_t IoClass() { return IOPRIO_PRIO_CLASS(syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0)); }

TEST(WorkInTheBackgroundTest, HoldsForTheThreadAndWhatItStartsAndForNothingElse) {
  const int before = Niceness();
  const int64_t class_before = IoClass();
  int of_thread = 0;
  int of_started = 0;
  int64_t class_of_started = 0;
  absl::StatusOr<std::string> of_child = absl::InternalError("");

  std::thread([&] {
    WorkInTheBackground();
    of_thread = Niceness();
    std::thread([&] {
      of_started = Niceness();
      class_of_started = IoClass();
    }).join();
    ChildOptions options;
    options.argv = {"/usr/bin/nice"};
    options.environment = {{"LC_ALL", "C"}};
    of_child = RunAndCollect(options, absl::Seconds(20), 100);
  }).join();

  EXPECT_GE(of_thread, 10);
  EXPECT_EQ(of_started, of_thread);
  EXPECT_EQ(class_of_started, IOPRIO_CLASS_IDLE);
  ASSERT_THAT(of_child, IsOk());
  EXPECT_EQ(*of_child, std::to_string(of_thread) + "\n");
  EXPECT_EQ(Niceness(), before);
  EXPECT_EQ(IoClass(), class_before);
}

}  // namespace
}  // namespace backup
