// SPDX-License-Identifier: Apache-2.0
#include "base/cancellation.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <thread>
#include <vector>

namespace backup {
namespace {

TEST(CancellationTest, KeepsTheFirstReasonAndCallsOnce) {
  Cancellation cancellation;
  int calls = 0;
  Cancellation::Registration registration(cancellation, [&] { ++calls; });
  EXPECT_FALSE(cancellation.cancelled());
  EXPECT_EQ(cancellation.reason(), "");

  cancellation.Cancel("first");
  cancellation.Cancel("second");

  EXPECT_TRUE(cancellation.cancelled());
  EXPECT_EQ(cancellation.reason(), "first");
  EXPECT_EQ(calls, 1);
}

TEST(CancellationTest, CallsAtOnceWhenAlreadyCancelled) {
  Cancellation cancellation;
  cancellation.Cancel("stop");
  int calls = 0;
  Cancellation::Registration registration(cancellation, [&] { ++calls; });
  EXPECT_EQ(calls, 1);
}

TEST(CancellationTest, DoesNotCallAfterTheRegistrationDied) {
  Cancellation cancellation;
  int calls = 0;
  {
    Cancellation::Registration registration(cancellation, [&] { ++calls; });
  }
  cancellation.Cancel("stop");
  EXPECT_EQ(calls, 0);
}

TEST(CancellationTest, ACallbackMayAskTheCancellation) {
  Cancellation cancellation;
  std::string seen;
  Cancellation::Registration registration(cancellation, [&] { seen = cancellation.reason(); });
  cancellation.Cancel("stop");
  EXPECT_EQ(seen, "stop");
}

TEST(CancellationTest, ACallbackMayEndRegistrations) {
  Cancellation cancellation;
  int calls = 0;
  std::unique_ptr<Cancellation::Registration> own, other;
  own = std::make_unique<Cancellation::Registration>(cancellation, [&] {
    ++calls;
    own.reset();
    other.reset();
  });
  other = std::make_unique<Cancellation::Registration>(cancellation, [&] { calls += 100; });
  cancellation.Cancel("stop");
  EXPECT_EQ(calls, 1) << "the other callback's registration died before its turn";
}

TEST(CancellationTest, EndingARegistrationWaitsForItsRunningCallback) {
  Cancellation cancellation;
  std::promise<void> entered, leave;
  std::atomic<bool> left = false;
  auto registration = std::make_unique<Cancellation::Registration>(cancellation, [&] {
    entered.set_value();
    leave.get_future().wait();
    left = true;
  });
  std::thread canceller([&] { cancellation.Cancel("stop"); });
  entered.get_future().wait();
  std::thread releaser([&] { leave.set_value(); });

  registration.reset();

  EXPECT_TRUE(left);
  canceller.join();
  releaser.join();
}

TEST(CancellationTest, EndingARegistrationDoesNotWaitForOthers) {
  Cancellation cancellation;
  std::promise<void> entered, leave;
  Cancellation::Registration blocked(cancellation, [&] {
    entered.set_value();
    leave.get_future().wait();
  });
  auto other = std::make_unique<Cancellation::Registration>(cancellation, [] {});
  std::thread canceller([&] { cancellation.Cancel("stop"); });
  entered.get_future().wait();

  other.reset();  // Would not come back if it waited for `blocked`.

  leave.set_value();
  canceller.join();
}

TEST(CancellationTest, StandsUpToManyThreads) {
  for (int round = 0; round < 50; ++round) {
    Cancellation cancellation;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int j = 0; j < 20; ++j) {
          // Touches its own stack from the callback: a call after the end would be a fault for the sanitizers.
          int calls = 0;
          {
            Cancellation::Registration registration(cancellation, [&calls] { ++calls; });
          }
          ASSERT_LE(calls, 1);
        }
      });
    }
    threads.emplace_back([&] { cancellation.Cancel("stop"); });
    threads.emplace_back([&] { cancellation.Cancel("stop too"); });
    for (std::thread& thread : threads) thread.join();
    EXPECT_TRUE(cancellation.cancelled());
  }
}

}  // namespace
}  // namespace backup
