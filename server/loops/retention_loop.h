// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/random.h"
#include "server/domain/deletion.h"
#include "server/loops/change_feed.h"
#include "server/loops/clock_watch.h"
#include "server/loops/frozen_retention.h"
#include "server/store/store.h"

namespace backup::server {

struct RetentionLoopOptions {
  // All databases are gone through this often. Default: 1 h.
  absl::Duration interval = absl::Hours(1);
  // From the start to the first time: by then the agents have told their clocks, against which ours is held. Default:
  // 2 min.
  absl::Duration first_pass_delay = absl::Minutes(2);
  // What could not be removed is tried again this often. Default: 24 h.
  absl::Duration repeat_interval = absl::Hours(24);
  // How often to look whether a clock that jumped is trusted again. Default: 10 s.
  absl::Duration clock_wait = absl::Seconds(10);
  // Wait after the catalog failed. Default: 30 s.
  absl::Duration backoff = absl::Seconds(30);
};

// Lets retention happen: of every database from time to time, and of one as soon as it was asked for. Databases whose
// retention is frozen are left alone, and noted, for the first time as soon as it starts. One that fails holds up no
// other.
class RetentionLoop {
 public:
  // Borrows all.
  RetentionLoop(Store& store, Clock& clock, Random& random, ChangeFeed& feed, const ClockWatch& clock_watch,
                FrozenRetention& frozen_retention, RetentionLoopOptions options = {});

  // One turn, the body of a base::Loop: those asked for, or all when that is due. Returns how long nothing is due.
  // Called by one thread at a time.
  absl::Duration RunOnce();

  // `database` has a new backup. For the turn to come at once, trigger the loop as well. Thread-safe.
  void RequestDatabase(const std::string& database);

 private:
  // `only_note`: nothing is deleted.
  absl::Status ApplyToAll(bool repeat_failed, bool only_note = false);
  // Of every database with a deletion that did not come to its end.
  absl::Status RepeatFailed();
  absl::StatusOr<std::map<std::string, v1::Policy>> ReadPoliciesByName();
  absl::Status Apply(const std::string& database, bool repeat_failed, bool only_note = false);

  Store& store_;
  Clock& clock_;
  Random& random_;
  ChangeFeed& feed_;
  const ClockWatch& clock_watch_;
  FrozenRetention& frozen_retention_;
  const RetentionLoopOptions options_;

  // Used by RunOnce alone; times are monotonic.
  bool noted_ = false;  // What is frozen was looked for once.
  absl::Duration next_pass_;
  absl::Duration next_repeat_;
  LogLimiter failure_log_;

  Mutex mu_;
  std::set<std::string> requested_ ABSL_GUARDED_BY(mu_);
};

// Tells the agent and whoever watches of the runs that a change has made.
void PublishRuns(const DatabaseBackupsChange& change, ChangeFeed& feed);

}  // namespace backup::server
