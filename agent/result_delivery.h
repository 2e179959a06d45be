// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/time/time.h"
#include "agent/attempt_journal.h"
#include "agent/backoff.h"
#include "agent/controller_link.h"
#include "agent/run_log.h"
#include "agent/spool.h"
#include "base/cancellation.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/random.h"

namespace backup::agent {

// Brings results from the spool, and log lines, to the controller until it has them; backs off while it is away. A
// result that the controller will never take (stale epoch, run already ended, unknown or foreign run, refused as wrong)
// is kept among the refused ones as evidence and blocks no other.
//
// Thread-safe.
class ResultDelivery {
 public:
  // All must outlive it.
  ResultDelivery(ControllerLink& link, Spool& spool, AttemptJournal& journal, RunLogs& logs, Clock& clock,
                 Random& random);
  ~ResultDelivery();

  void Start();
  // There is a new result.
  void Wake() { loop_.Trigger(); }
  // Idempotent.
  void Stop();

  // One try, with results first; returns how long to wait before the next. For tests without Start.
  absl::Duration Turn();
  // After Stop: tries once more, for at most about `budget`.
  void DeliverLast(absl::Duration budget);

 private:
  // Both return whether the controller is there; `end` is steady time.
  bool DeliverResults(absl::Duration end, Cancellation& cancellation);
  bool DeliverLogs(absl::Duration end, Cancellation& cancellation);
  bool DeliverResult(const AttemptKey& key, absl::Duration timeout, Cancellation& cancellation);
  void Forget(const AttemptKey& key);
  void LogFailure(absl::string_view message, const std::string& run, const absl::Status& error);

  ControllerLink& link_;
  Spool& spool_;
  AttemptJournal& journal_;
  RunLogs& logs_;
  Clock& clock_;
  Backoff backoff_;  // For the loop's thread only.
  LogLimiter log_limiter_;
  Cancellation stop_;
  Loop loop_;
};

}  // namespace backup::agent
