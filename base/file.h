// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace backup {

// Small files, whole. Paths are used as given. Errors: NOT_FOUND FILE_NOT_FOUND, PERMISSION_DENIED FILE_NOT_READABLE,
// RESOURCE_EXHAUSTED DISK_FULL (ENOSPC, EDQUOT), INTERNAL IO otherwise; each names the path.

// Contents of a regular file of at most `max_bytes` (RESOURCE_EXHAUSTED FILE_TOO_LARGE beyond). Does not block on a
// FIFO.
absl::StatusOr<std::string> ReadFile(const std::string& path, size_t max_bytes = 1 << 20);

// Replaces `path` in one step: temporary file `path`.XXXXXX (six letters or digits) beside it with `mode`, write,
// fsync, rename, fsync of the directory. After a power cut either the old contents are there or the new.
absl::Status WriteFileAtomically(const std::string& path, absl::string_view contents, int mode = 0600);

// Makes the directory and those above it with `mode`. OK when it is there.
absl::Status MakeDirectories(const std::string& path, int mode = 0700);

// fsync of a directory, so that names in it survive a power cut.
absl::Status SyncDirectory(const std::string& path);

// Maps errno to a status as above; `what` says what was tried, e.g. "cannot write /x/y".
absl::Status ErrnoToStatus(int error_number, absl::string_view what);

// An open descriptor, closed at the end. Movable.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() { Reset(); }
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.Release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int Release();
  void Reset();

 private:
  int fd_ = -1;
};

// An advisory lock (flock) on `path`, made if missing, held until destruction or death of the process.
class FileLock {
 public:
  // FAILED_PRECONDITION LOCKED when somebody else holds it; `what` names the thing for the message. The file holds the
  // owner's pid, which the message tells.
  static absl::StatusOr<FileLock> Acquire(const std::string& path, absl::string_view what);

 private:
  explicit FileLock(FileDescriptor fd) : fd_(std::move(fd)) {}
  FileDescriptor fd_;
};

}  // namespace backup
