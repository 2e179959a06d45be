// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "agent/pipeline/stages.h"
#include "base/cancellation.h"
#include "base/file.h"

namespace backup::agent {

// A stored artifact's directory, open for reading. Only regular files are read: symlinks are not followed, and a FIFO
// or device in a file's place neither blocks nor is touched. Damage is CORRUPT (with code NOT_FOUND when a file is
// gone), a refusal of the file system IO; messages name the file.
class StoredDirectory {
 public:
  static absl::StatusOr<StoredDirectory> Open(const std::string& path);

  // Names of all that is in it, sorted.
  absl::StatusOr<std::vector<std::string>> Names() const;
  // Size of a file, in bytes.
  absl::StatusOr<int64_t> FileBytes(const std::string& name) const;
  // A small file, whole. CORRUPT when it is greater.
  absl::StatusOr<std::string> ReadWhole(const std::string& name, size_t max_bytes, bool drop_page_cache) const;
  // Streams a file into `sink` (not finishing it). `cancellation` is asked between pieces.
  absl::Status Stream(const std::string& name, bool drop_page_cache, Cancellation& cancellation, ByteSink& sink) const;

  // Exactly `size` bytes from `offset` on. CORRUPT when the file ends before.
  absl::Status ReadAt(const std::string& name, int64_t offset, char* buffer, size_t size) const;

  const std::string& path() const { return path_; }

 private:
  StoredDirectory(FileDescriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  absl::StatusOr<FileDescriptor> OpenFile(const std::string& name, int64_t* bytes, bool drop_page_cache) const;

  FileDescriptor fd_;
  std::string path_;
};

}  // namespace backup::agent
