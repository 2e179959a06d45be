// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/file.h"

namespace backup::agent {

// What an agent keeps across restarts, all in one private directory:
//
//   lock             held while a daemon runs
//   identity/        certificate and key; see agent/rpc/identity.h
//   desired.json     the runs it holds, a SyncResponse
//   repository.json  which repository it knows, a RepositoryStatus
//   attempts/        what it works on; see attempt_journal.h
//   spool/           results that the controller has not acknowledged; see spool.h
//   logs/            log lines that the controller does not have yet; see run_log.h
//   refused/         results that the controller refused: evidence, never read
//   corrupt/         files that could not be read: evidence, never read
class StateDirectory {
 public:
  // Makes what is missing (0700) and takes the lock. FAILED_PRECONDITION STATE_DIRECTORY_UNSAFE when `path` is a
  // symlink, belongs to another user or may be written by others; LOCKED when another agent runs on it.
  static absl::StatusOr<StateDirectory> Open(const std::string& path);

  std::string desired_file() const { return path_ + "/desired.json"; }
  std::string repository_file() const { return path_ + "/repository.json"; }
  std::string attempts() const { return path_ + "/attempts"; }
  std::string spool() const { return path_ + "/spool"; }
  std::string logs() const { return path_ + "/logs"; }
  std::string refused() const { return path_ + "/refused"; }
  std::string corrupt() const { return path_ + "/corrupt"; }

 private:
  StateDirectory(std::string path, FileLock lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  std::string path_;
  FileLock lock_;
};

// Where the identity lies under a state directory.
std::string IdentityDirectory(absl::string_view state_directory);

// Makes `path` and those above it (0700), and refuses it as StateDirectory::Open does.
absl::Status MakePrivateDirectory(const std::string& path);

}  // namespace backup::agent
