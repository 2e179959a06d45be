// SPDX-License-Identifier: Apache-2.0
#include "server/loops/change_feed.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace backup::server {
namespace {

TEST(ChangeFeedTest, CallsThoseWhoSubscribedToTheName) {
  ChangeFeed feed;
  int first = 0;
  int second = 0;
  int other = 0;
  const auto a = feed.Subscribe("agents/db1", [&] { ++first; });
  const auto b = feed.Subscribe("agents/db1", [&] { ++second; });
  const auto c = feed.Subscribe("agents/db10", [&] { ++other; });
  feed.Publish("agents/db1");
  feed.Publish("agents/db1");
  feed.Publish("agents/nobody");
  EXPECT_EQ(first, 2);
  EXPECT_EQ(second, 2);
  EXPECT_EQ(other, 0);
}

TEST(ChangeFeedTest, AfterTheSubscriptionNobodyIsCalled) {
  ChangeFeed feed;
  int calls = 0;
  auto subscription = feed.Subscribe("runs/r1", [&] { ++calls; });
  subscription.reset();
  feed.Publish("runs/r1");
  EXPECT_EQ(calls, 0);
}

TEST(ChangeFeedTest, ACallbackMayPublishAndSubscribe) {
  ChangeFeed feed;
  int calls = 0;
  std::unique_ptr<ChangeFeed::Subscription> inner;
  const auto outer = feed.Subscribe("runs/r1", [&] {
    inner = feed.Subscribe("runs/r2", [&] { ++calls; });
    feed.Publish("runs/r2");
  });
  feed.Publish("runs/r1");
  EXPECT_EQ(calls, 1);
}

TEST(ChangeFeedTest, ACallbackMayEndItsOwnSubscription) {
  ChangeFeed feed;
  int calls = 0;
  std::unique_ptr<ChangeFeed::Subscription> subscription;
  subscription = feed.Subscribe("runs/r1", [&] {
    ++calls;
    subscription.reset();
  });
  feed.Publish("runs/r1");
  feed.Publish("runs/r1");
  EXPECT_EQ(calls, 1);
}

TEST(ChangeFeedTest, TheEndWaitsForACallOnAnotherThread) {
  ChangeFeed feed;
  std::atomic<bool> entered = false;
  std::atomic<bool> may_leave = false;
  std::atomic<bool> left = false;
  auto subscription = feed.Subscribe("runs/r1", [&] {
    entered = true;
    while (!may_leave) {
      std::this_thread::yield();
    }
    left = true;
  });
  std::thread publisher([&] { feed.Publish("runs/r1"); });
  while (!entered) {
    std::this_thread::yield();
  }
  std::thread releaser([&] { may_leave = true; });
  subscription.reset();
  EXPECT_TRUE(left);
  publisher.join();
  releaser.join();
}

TEST(ChangeFeedTest, NoCallOutlivesItsSubscriptionUnderLoad) {
  ChangeFeed feed;
  std::atomic<bool> stop = false;
  std::vector<std::thread> publishers;
  for (int i = 0; i < 3; ++i) {
    publishers.emplace_back([&] {
      while (!stop) {
        feed.Publish("agents/db1");
      }
    });
  }
  for (int i = 0; i < 2000; ++i) {
    auto alive = std::make_unique<std::atomic<bool>>(true);
    auto subscription = feed.Subscribe("agents/db1", [&alive] { EXPECT_TRUE(*alive); });
    subscription.reset();
    *alive = false;
    alive.reset();
  }
  stop = true;
  for (std::thread& publisher : publishers) {
    publisher.join();
  }
}

}  // namespace
}  // namespace backup::server
