// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <thread>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/mutex.h"

namespace backup {

// Says "stop" once, to work that runs on other threads. Thread-safe. Callbacks run on the cancelling thread, outside
// of any lock of this class; they must not wait for that work to end.
class Cancellation {
 public:
  Cancellation() = default;
  Cancellation(const Cancellation&) = delete;
  Cancellation& operator=(const Cancellation&) = delete;

  // Idempotent: the first reason stays. Runs the callbacks once.
  void Cancel(absl::string_view reason);
  bool cancelled() const;
  // Empty until cancelled.
  std::string reason() const;

  // Calls `callback` when cancelled (at once when that was before), until the Registration dies. The Registration's
  // destructor waits for a callback that is running.
  class Registration {
   public:
    Registration(Cancellation& owner, std::function<void()> callback);
    ~Registration();
    Registration(const Registration&) = delete;
    Registration& operator=(const Registration&) = delete;

   private:
    Cancellation& owner_;
    uint64_t id_ = 0;
  };

 private:
  mutable Mutex mu_;
  CondVar callbacks_done_;
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  uint64_t running_id_ ABSL_GUARDED_BY(mu_) = 0;  // Of the callback that is running; 0 when none is.
  std::thread::id canceller_ ABSL_GUARDED_BY(mu_);
  std::string reason_ ABSL_GUARDED_BY(mu_);
  uint64_t next_id_ ABSL_GUARDED_BY(mu_) = 1;
  std::map<uint64_t, std::function<void()>> callbacks_ ABSL_GUARDED_BY(mu_);
};

// Waits for `duration` of real time, or until `cancellation` is cancelled: then false.
bool WaitUnlessCancelled(Cancellation& cancellation, absl::Duration duration);

}  // namespace backup
