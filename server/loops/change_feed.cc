// SPDX-License-Identifier: Apache-2.0
#include "server/loops/change_feed.h"

#include <algorithm>
#include <thread>
#include <utility>
#include <vector>

namespace backup::server {

// Lives on while a Publish that has found it runs, also after its Subscription has died.
struct ChangeFeed::Subscription::Entry {
  explicit Entry(std::function<void()> c) : callback(std::move(c)) {}

  void Call() {
    {
      MutexLock lock(mu);
      if (dead) {
        return;
      }
      ++running_calls;
      callers.push_back(std::this_thread::get_id());
    }
    callback();
    MutexLock lock(mu);
    --running_calls;
    callers.erase(std::find(callers.begin(), callers.end(), std::this_thread::get_id()));
    ended.NotifyAll();
  }

  // After this no call begins; those of other threads have ended. A callback may destroy its own Subscription.
  void Die() {
    MutexLock lock(mu);
    dead = true;
    const auto own = std::count(callers.begin(), callers.end(), std::this_thread::get_id());
    while (running_calls > own) {
      ended.Wait(mu);
    }
  }

  const std::function<void()> callback;
  Mutex mu;
  CondVar ended;
  bool dead ABSL_GUARDED_BY(mu) = false;
  int running_calls ABSL_GUARDED_BY(mu) = 0;
  std::vector<std::thread::id> callers ABSL_GUARDED_BY(mu);
};

ChangeFeed::Subscription::Subscription(ChangeFeed& feed, std::string name, std::shared_ptr<Entry> entry)
    : feed_(feed), name_(std::move(name)), entry_(std::move(entry)) {}

ChangeFeed::Subscription::~Subscription() {
  {
    MutexLock lock(feed_.mu_);
    const auto [begin, end] = feed_.entries_.equal_range(name_);
    for (auto it = begin; it != end; ++it) {
      if (it->second == entry_) {
        feed_.entries_.erase(it);
        break;
      }
    }
  }
  entry_->Die();
}

std::unique_ptr<ChangeFeed::Subscription> ChangeFeed::Subscribe(absl::string_view resource_name,
                                                                std::function<void()> callback) {
  auto entry = std::make_shared<Subscription::Entry>(std::move(callback));
  std::string name(resource_name);
  {
    MutexLock lock(mu_);
    entries_.emplace(name, entry);
  }
  return std::unique_ptr<Subscription>(new Subscription(*this, std::move(name), std::move(entry)));
}

void ChangeFeed::Publish(absl::string_view resource_name) {
  std::vector<std::shared_ptr<Subscription::Entry>> called;
  {
    MutexLock lock(mu_);
    const auto [begin, end] = entries_.equal_range(std::string(resource_name));
    for (auto it = begin; it != end; ++it) {
      called.push_back(it->second);
    }
  }
  for (const std::shared_ptr<Subscription::Entry>& entry : called) {
    entry->Call();
  }
}

}  // namespace backup::server
