// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "agent/backoff.h"
#include "agent/controller_link.h"
#include "backup/v1/agent_control_service.pb.h"
#include "base/cancellation.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mutex.h"
#include "base/random.h"

namespace backup::agent {

// Keeps one Sync open: says what is, holds what the answer wants, and asks again at once; backs off while the
// controller is away. When something changed here (Wake), the open call is given up and a new one says so.
//
// Thread-safe.
class SyncLoop {
 public:
  struct Options {
    // How long the controller may hold an answer back. Default: 50 s, the most it takes.
    absl::Duration max_wait = absl::Seconds(50);
    // How much longer we wait for an answer than that. Default: 10 s.
    absl::Duration margin = absl::Seconds(10);
  };

  // `state` fills in what is now: all of the request but sequence, time and max_wait. `apply` takes an answer. Both are
  // called on the loop's thread. The references must outlive it.
  SyncLoop(Options options, ControllerLink& link, Clock& clock, Random& random, std::function<v1::SyncRequest()> state,
           std::function<void(const v1::SyncRequest& asked, const v1::SyncResponse& answer)> apply);
  ~SyncLoop();

  void Start();
  void Wake();
  // Gives up the open call. Idempotent.
  void Stop();

  // One Sync; returns how long to wait before the next. For tests without Start.
  absl::Duration Turn();

 private:
  absl::Duration AfterAnswer(const v1::SyncRequest& request, const v1::SyncResponse& answer, absl::Duration took);
  absl::Duration AfterError(const absl::Status& error);

  // Constant after construction.
  const Options options_;
  ControllerLink& link_;
  Clock& clock_;
  const std::function<v1::SyncRequest()> state_;
  const std::function<void(const v1::SyncRequest&, const v1::SyncResponse&)> apply_;

  // For the loop's thread only.
  Backoff backoff_;
  LogLimiter log_limiter_;
  int64_t sequence_ = 0;
  bool away_ = true;  // Whether the last call failed; true before the first.

  Mutex mu_;
  std::shared_ptr<Cancellation> call_ ABSL_GUARDED_BY(mu_);  // Of the open call; null between calls.
  bool woken_ ABSL_GUARDED_BY(mu_) = false;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;

  Loop loop_;
};

}  // namespace backup::agent
