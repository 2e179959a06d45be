// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/attempt_key.h"
#include "agent/message_files.h"
#include "backup/v1/agent_control_service.pb.h"
#include "base/mutex.h"

namespace backup::agent {

// Results of attempts, each kept on disk until the controller has acknowledged or refused it: what was done is not lost
// when the controller, the network or this process is. One file each, `{run id}.{epoch}.json`, a CompleteRunRequest.
//
// Thread-safe; writes happen under the lock, so that readers see only what is durable or known not to be.
class Spool {
 public:
  // The directories exist; refused results go to `refused_directory`, unreadable files to `corrupt_directory`.
  Spool(const std::string& directory, std::string refused_directory, const std::string& corrupt_directory);

  // Learns what is there. Files that are no results are set aside.
  absl::Status Load();

  // Keeps `result`, replacing one of the same run and epoch. When it cannot be written (the error is returned and
  // logged), it is kept in memory, and Write tries again.
  absl::Status Put(const v1::CompleteRunRequest& result);
  // Tries to write what could not be written. OK when all is durable.
  absl::Status Write();

  // Every result kept, in the order of their names.
  std::vector<AttemptKey> Keys() const;
  bool Contains(const AttemptKey& key) const;
  // NOT_FOUND when there is none, or it was set aside just now.
  absl::StatusOr<v1::CompleteRunRequest> Get(const AttemptKey& key);

  // The controller has it: forgets it.
  absl::Status Acknowledge(const AttemptKey& key);
  // The controller will never take it: moves it to the refused ones.
  absl::Status Refuse(const AttemptKey& key);

 private:
  absl::Status WriteLocked(const AttemptKey& key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Constant after construction.
  const MessageFiles files_;
  const std::string refused_directory_;

  mutable Mutex mu_;
  // By key: the result while it is only in memory, null once it is on disk.
  std::map<AttemptKey, std::unique_ptr<v1::CompleteRunRequest>> results_ ABSL_GUARDED_BY(mu_);
};

}  // namespace backup::agent
