// SPDX-License-Identifier: Apache-2.0
#include "base/loop.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "base/mutex.h"

namespace backup {
namespace {

// Counts calls, and lets a test wait for them.
class Counter {
 public:
  // Returns the number of this call.
  int Add() {
    MutexLock lock(mu_);
    changed_.NotifyAll();
    return ++count_;
  }
  void WaitFor(int count) {
    MutexLock lock(mu_);
    while (count_ < count) changed_.Wait(mu_);
  }
  int count() {
    MutexLock lock(mu_);
    return count_;
  }

 private:
  Mutex mu_;
  CondVar changed_;
  int count_ ABSL_GUARDED_BY(mu_) = 0;
};

TEST(LoopTest, CallsAtOnceAndThenOnTriggerOnly) {
  Counter calls;
  Loop loop("test", [&] {
    calls.Add();
    return absl::InfiniteDuration();
  });
  loop.Start();
  calls.WaitFor(1);
  loop.Trigger();
  calls.WaitFor(2);
  loop.Stop();
  EXPECT_EQ(calls.count(), 2);
}

TEST(LoopTest, CallsAgainWhenTheDelayHasPassed) {
  Counter calls;
  Loop loop("test", [&] {
    calls.Add();
    return absl::Milliseconds(1);
  });
  loop.Start();
  calls.WaitFor(3);
}

TEST(LoopTest, ANegativeDelayIsNone) {
  Counter calls;
  Loop loop("test", [&] { return calls.Add() < 3 ? -absl::InfiniteDuration() : absl::InfiniteDuration(); });
  loop.Start();
  calls.WaitFor(3);
}

TEST(LoopTest, TriggersDuringACallMakeOneMore) {
  Counter calls, releases;
  Loop loop("test", [&] {
    if (calls.Add() == 1) releases.WaitFor(1);
    return absl::InfiniteDuration();
  });
  loop.Start();
  calls.WaitFor(1);
  loop.Trigger();
  loop.Trigger();
  releases.Add();
  calls.WaitFor(2);
  loop.Stop();
  EXPECT_EQ(calls.count(), 2);
}

TEST(LoopTest, StopInterruptsALongWaitAndIsIdempotent) {
  Counter calls;
  Loop loop("test", [&] {
    calls.Add();
    return absl::Hours(10);
  });
  loop.Start();
  calls.WaitFor(1);
  loop.Stop();
  loop.Stop();
  loop.Trigger();
  EXPECT_EQ(calls.count(), 1);
}

TEST(LoopTest, StopWaitsForTheRunningCall) {
  Counter calls, releases;
  bool finished = false;
  Loop loop("test", [&] {
    calls.Add();
    releases.WaitFor(1);
    finished = true;
    return absl::ZeroDuration();
  });
  loop.Start();
  calls.WaitFor(1);
  std::thread releaser([&] { releases.Add(); });
  loop.Stop();
  EXPECT_TRUE(finished);
  releaser.join();
}

TEST(LoopTest, StoppedBeforeStartNeverCalls) {
  Counter calls;
  Loop loop("test", [&] {
    calls.Add();
    return absl::ZeroDuration();
  });
  loop.Stop();
  loop.Start();
  loop.Stop();
  EXPECT_EQ(calls.count(), 0);
}

TEST(LoopTest, StandsUpToTriggersFromManyThreads) {
  Counter calls;
  Loop loop("a name longer than fifteen bytes", [&] {
    calls.Add();
    return absl::InfiniteDuration();
  });
  loop.Start();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 200; ++j) loop.Trigger();
    });
  }
  for (std::thread& thread : threads) thread.join();
  calls.WaitFor(1);
  loop.Stop();
  EXPECT_GE(calls.count(), 1);
}

}  // namespace
}  // namespace backup
