// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/attempt_key.h"
#include "agent/message_files.h"
#include "backup/v1/run.pb.h"

namespace backup::agent {

// What the agent works on, on disk before the work begins and until its result is in the spool: after a crash it tells
// which attempts were cut off, and which backup each would have made. One file each, `{run id}.{epoch}.json`, a Run
// with name, kind, database, policy, epoch, attempt_id, backup, spec and the times.
//
// Thread-safe for different attempts.
class AttemptJournal {
 public:
  AttemptJournal(const std::string& directory, const std::string& corrupt_directory);

  // Durable when it returns.
  absl::Status Write(const v1::Run& attempt) const;
  // OK when it is not there.
  absl::Status Remove(const AttemptKey& key) const;
  // Whether there is an entry; what it says is not looked at.
  bool Contains(const AttemptKey& key) const;
  // All that is there. Files that are no attempts are set aside.
  absl::StatusOr<std::vector<v1::Run>> Load() const;

 private:
  const MessageFiles files_;
};

}  // namespace backup::agent
