// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/time/time.h"

namespace backup {

// A thread that calls a function again and again: when the delay that the function returned has passed, or at once
// when somebody calls Trigger, until Stop. Waiting is always interruptible.
//
// Thread-safe. The function runs on one thread, never twice at once, and must not call Stop.
class Loop {
 public:
  // `body` returns how long to wait before its next call; absl::InfiniteDuration() waits for Trigger.
  // `name` names the thread (at most 15 bytes are used).
  Loop(std::string name, std::function<absl::Duration()> body);
  // Stops.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Begins; the first call of `body` comes at once. Call at most once.
  void Start();
  // The next call of `body` comes at once; when one is running, another follows it. No effect after Stop.
  void Trigger();
  // Waits for a running call of `body` and ends the thread. Idempotent; also before Start.
  void Stop();

 private:
  struct Rep;  // Keeps threads out of this header.
  std::unique_ptr<Rep> rep_;
};

}  // namespace backup
