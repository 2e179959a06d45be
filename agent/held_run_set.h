// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "agent/attempt_key.h"
#include "backup/v1/agent_control_service.pb.h"
#include "base/mutex.h"

namespace backup::agent {

// The runs that the controller wants and that are not begun: its last answer to Sync without those taken since, on disk
// so that a restart without the controller keeps the schedule.
//
// A run is taken once: what was taken (by run and epoch) never comes back, though an answer that the controller wrote
// before it knew says so. Thread-safe.
class HeldRunSet {
 public:
  HeldRunSet(std::string file, std::string corrupt_directory);

  // Learns what is on disk, without the `taken` (journal and spool).
  void Load(const std::vector<AttemptKey>& taken);
  // Writes what is held, unless that is on disk already.
  absl::Status Save();

  // What the controller wants now. Runs without a valid name or epoch are left out, with a line in the log.
  void Replace(const v1::SyncResponse& desired);

  std::vector<v1::DesiredRun> runs() const;
  std::string revision() const;
  // How often to report progress: what the controller asked for, 100 ms to 60 s; 3 s before it was heard.
  absl::Duration progress_interval() const;

  // Takes one run: false when it is not held (any more).
  bool Take(const AttemptKey& key);
  // Takes the run called `name`, whatever its epoch.
  std::optional<v1::DesiredRun> TakeByName(absl::string_view name);

 private:
  void MarkTaken(const AttemptKey& key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Constant after construction.
  const std::string file_;
  const std::string corrupt_directory_;

  // One writer of the file at a time, so that the last one writes the last state. Taken before mu_.
  Mutex file_mu_;
  std::string saved_ ABSL_GUARDED_BY(file_mu_);  // Serialized.

  mutable Mutex mu_;
  v1::SyncResponse held_ ABSL_GUARDED_BY(mu_);
  std::set<AttemptKey> taken_ ABSL_GUARDED_BY(mu_);
  std::deque<AttemptKey> taken_order_ ABSL_GUARDED_BY(mu_);  // Oldest first.
};

}  // namespace backup::agent
