// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"
#include "base/thread_pool.h"
#include "server/loops/change_feed.h"

namespace backup::server {

class ParkedCalls;

// A call that waits for something without holding a thread. Woken by whoever has news, it takes one step on the pool;
// steps never overlap, and any number of wakes during one make one more. It ends when somebody asks for that, as soon
// as no step and no write is under way.
//
// Lives in a shared_ptr of its own from Park until Release. Thread-safe.
class ParkedCall : public std::enable_shared_from_this<ParkedCall> {
 public:
  virtual ~ParkedCall() = default;
  ParkedCall(const ParkedCall&) = delete;
  ParkedCall& operator=(const ParkedCall&) = delete;

  // A step will follow. When the pool is full, the call ends with RESOURCE_EXHAUSTED CONTROLLER_BUSY instead.
  void Wake();
  // The first End counts; later ones, and wakes after it, have no effect.
  void End(const absl::Status& status);
  // True while nothing is under way: it waits for a wake.
  bool waiting() const;

 protected:
  // Borrows all of them.
  ParkedCall(ThreadPool& pool, ParkedCalls& parked_calls);

  // Registers the call, listens to `resource_name`, and asks for the first step. Call once, right after construction.
  // `OnPublish` runs before each wake by the feed.
  void Park(ChangeFeed& feed, absl::string_view resource_name, std::function<void()> on_publish);
  // From the reactor's OnDone: nothing wakes it any more; `this` may be gone when it returns.
  void Release();

  // One step; runs on the pool.
  virtual void Step() = 0;
  // Finishes the RPC; called once, when nothing is under way.
  virtual void FinishRpc(const grpc::Status& status) = 0;

  // Between the two, the call neither steps nor ends. Begin is called in a step.
  void BeginWrite();
  void EndWrite();

 private:
  enum class Next { kNothing, kStep, kFinish };
  // What is to be done now that nothing may be under way; when kStep or kFinish, the caller does it outside the lock.
  Next Settle() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Act(Next next);

  ThreadPool& pool_;
  ParkedCalls& parked_calls_;
  std::unique_ptr<ChangeFeed::Subscription> subscription_;
  std::shared_ptr<ParkedCall> self_;

  mutable Mutex mu_;
  bool stepping_ ABSL_GUARDED_BY(mu_) = false;
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool woken_ ABSL_GUARDED_BY(mu_) = false;
  bool finished_ ABSL_GUARDED_BY(mu_) = false;
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mu_);
};

// All calls that are parked, so that they can be ended when the controller stops. Thread-safe; outlives its calls.
class ParkedCalls {
 public:
  // Ends all of them, and each that comes later, with UNAVAILABLE CONTROLLER_STOPPING. Idempotent.
  void Stop();
  // How many wait now.
  size_t waiting_count() const;

 private:
  friend class ParkedCall;
  void Add(const std::shared_ptr<ParkedCall>& call);
  void Remove(const ParkedCall* call);

  mutable Mutex mu_;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  std::map<const ParkedCall*, std::weak_ptr<ParkedCall>> calls_ ABSL_GUARDED_BY(mu_);
};

}  // namespace backup::server
