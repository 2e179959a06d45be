// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "base/mutex.h"

namespace backup::server {

// Tells those who wait that something about a resource may have changed: "agents/db1" when its desired set of runs may
// differ, "runs/x" when a run or its log grew. It carries no data: who is told reads the catalog again.
// Thread-safe; callbacks run on the publishing thread, outside of locks, and must be quick (hand work to a pool).
class ChangeFeed {
 public:
  class Subscription;

  void Publish(absl::string_view resource_name);
  // `callback` is called for each Publish of the name until the Subscription dies. Its destructor waits for a call
  // that is running on another thread.
  std::unique_ptr<Subscription> Subscribe(absl::string_view resource_name, std::function<void()> callback);

  class Subscription {
   public:
    ~Subscription();

   private:
    friend class ChangeFeed;
    struct Entry;
    Subscription(ChangeFeed& feed, std::string name, std::shared_ptr<Entry> entry);
    ChangeFeed& feed_;
    const std::string name_;
    std::shared_ptr<Entry> entry_;
  };

 private:
  Mutex mu_;
  std::multimap<std::string, std::shared_ptr<Subscription::Entry>> entries_ ABSL_GUARDED_BY(mu_);
};

}  // namespace backup::server
