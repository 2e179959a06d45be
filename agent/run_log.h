// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "agent/attempt_key.h"
#include "backup/v1/agent_control_service.pb.h"
#include "base/mutex.h"

namespace backup::agent {

// Log lines of attempts, until the controller has them. Each attempt's lines are also appended to a file
// `{run id}.{epoch}.log` (an AttemptRef, then RunLogLines, each one line of JSON), so that a restart does not lose
// them; they are not synced, a power cut may cost the last ones. At most 10,000 lines for each attempt; the last says
// that there were more.
//
// Thread-safe. A disk that refuses costs lines after a restart, never the run.
class RunLogs {
 public:
  // The directories exist.
  RunLogs(std::string directory, std::string corrupt_directory);

  // Learns what was left by an earlier process; those attempts are finished.
  absl::Status Load();

  // Lines may come from now on; goes on after those that are there.
  void Begin(const v1::AttemptRef& attempt);
  // Adds a line; `text` is cleaned and cut to 2,000 bytes.
  void Append(const v1::AttemptRef& attempt, absl::Time time, absl::string_view text);
  // No more lines will come: it is forgotten when all were acknowledged.
  void Finish(const AttemptKey& key);

  // For every attempt that has lines waiting, the next ones: at most 1000 and some 500 KiB.
  std::vector<v1::UploadRunLogRequest> Pending() const;
  // The controller has all lines below `next_offset`; it may also ask again for older ones.
  void Acknowledge(const AttemptKey& key, int64_t next_offset);
  // The controller will not take them. Of an attempt that is not finished it may still: then they stay.
  void DiscardFinished(const AttemptKey& key);
  // Whether no attempt has or may still get lines that the controller lacks.
  bool empty() const;

 private:
  struct RunLog {
    v1::AttemptRef attempt;
    std::deque<v1::RunLogLine> lines;  // Offsets from 0.
    int64_t next_offset = 0;           // First that was not acknowledged.
    bool finished = false;
  };
  std::string PathOf(const AttemptKey& key) const;
  void AppendToFile(const AttemptKey& key, const std::string& text) const;
  bool LoadFile(const std::string& name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void RemoveIfDone(std::map<AttemptKey, RunLog>::iterator it) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Constant after construction.
  const std::string directory_;
  const std::string corrupt_directory_;

  mutable Mutex mu_;
  std::map<AttemptKey, RunLog> logs_ ABSL_GUARDED_BY(mu_);
};

}  // namespace backup::agent
