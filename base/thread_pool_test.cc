// SPDX-License-Identifier: Apache-2.0
#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <vector>

namespace backup {
namespace {

TEST(ThreadPoolTest, RunsInTheOrderGiven) {
  std::vector<int> order;  // Touched by the pool's only thread until Shutdown.
  ThreadPool pool("test", 1, 100);
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(pool.TryAdd([&order, i] { order.push_back(i); }));
  pool.Shutdown();
  ASSERT_EQ(order.size(), 50u);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(order[i], i);
}

TEST(ThreadPoolTest, RefusesBeyondTheQueue) {
  std::promise<void> entered, leave;
  std::atomic<int> runs = 0;
  ThreadPool pool("test", 1, 2);
  ASSERT_TRUE(pool.TryAdd([&] {
    entered.set_value();
    leave.get_future().wait();
  }));
  entered.get_future().wait();
  EXPECT_TRUE(pool.TryAdd([&] { ++runs; }));
  EXPECT_TRUE(pool.TryAdd([&] { ++runs; }));
  EXPECT_FALSE(pool.TryAdd([&] { runs += 100; }));
  leave.set_value();
  pool.Shutdown();
  EXPECT_EQ(runs, 2);
}

TEST(ThreadPoolTest, RunsAtTheSameTimeOnItsThreads) {
  std::promise<void> first_runs, second_runs;
  ThreadPool pool("test", 2, 10);
  // Each waits for the other: with one thread this would not end.
  ASSERT_TRUE(pool.TryAdd([&] {
    first_runs.set_value();
    second_runs.get_future().wait();
  }));
  ASSERT_TRUE(pool.TryAdd([&] {
    second_runs.set_value();
    first_runs.get_future().wait();
  }));
  pool.Shutdown();
}

TEST(ThreadPoolTest, ShutdownRunsWhatIsQueuedAndThenNothing) {
  std::atomic<int> runs = 0;
  ThreadPool pool("test", 2, 100);
  for (int i = 0; i < 20; ++i) pool.TryAdd([&] { ++runs; });
  pool.Shutdown();
  EXPECT_EQ(runs, 20);
  EXPECT_FALSE(pool.TryAdd([&] { ++runs; }));
  pool.Shutdown();
  EXPECT_EQ(runs, 20);
}

TEST(ThreadPoolTest, WorkMayAddWork) {
  std::promise<void> done;
  ThreadPool pool("test", 1, 10);
  pool.TryAdd([&] { pool.TryAdd([&] { done.set_value(); }); });
  done.get_future().wait();
}

}  // namespace
}  // namespace backup
