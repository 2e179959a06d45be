// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/file.h"
#include "base/mutex.h"

namespace backup {

// Keeps the last lines of a stream of bytes, each cut to a length and cleaned. Memory is bounded whatever comes.
class LineRing {
 public:
  LineRing(size_t max_lines, size_t max_line_bytes) : max_lines_(max_lines), max_line_bytes_(max_line_bytes) {}

  void Append(absl::string_view bytes);
  // The lines so far, the unfinished one too.
  std::vector<std::string> Lines() const;

 private:
  void FinishLine();

  const size_t max_lines_;
  const size_t max_line_bytes_;
  std::deque<std::string> lines_;
  std::string unfinished_;  // Raw; at most one byte more than a line may have, to know that it was cut.
};

// Reads a child's stderr to its end on a thread of its own. Thread-safe.
class StderrReader {
 public:
  // `read_end` is a pipe.
  explicit StderrReader(FileDescriptor read_end);
  // Finish.
  ~StderrReader();

  // Takes what is in the pipe now and ends the thread: whoever else holds the other end is not waited for. Idempotent.
  void Finish();
  std::vector<std::string> Lines() const;

 private:
  void Run();
  // As read(2), into the ring.
  ssize_t ReadOnce();

  const FileDescriptor read_end_;
  const FileDescriptor wake_up_;  // An eventfd, readable from Finish on.
  std::thread thread_;

  mutable Mutex mu_;
  LineRing ring_ ABSL_GUARDED_BY(mu_);
};

}  // namespace backup
