// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/rpc/tls.h"
#include "server/store/store.h"

namespace backup::server {

// Keeps a trace of agents that reach for what is not theirs: an event AGENT_REFUSED and a line in the log. At most one
// a minute for each agent, so that a hostile one cannot fill the catalog. Thread-safe.
class Refusals {
 public:
  // Borrows both.
  Refusals(Store& store, const Clock& clock) : store_(store), clock_(clock) {}

  // NOT_ALLOWED for `peer` to do `what` to `subject`, after it was recorded. A catalog that fails does not hide the
  // refusal.
  absl::Status Refuse(const Peer& peer, absl::string_view what, absl::string_view subject);

 private:
  // True when enough time has passed since the last record about `agent`.
  bool MayRecord(const std::string& agent);

  Store& store_;
  const Clock& clock_;

  Mutex mu_;
  // When it was last recorded, by Clock::Monotonic(). Only agents with a certificate get in: bounded by their number.
  std::map<std::string, absl::Duration> recorded_ ABSL_GUARDED_BY(mu_);
};

}  // namespace backup::server
