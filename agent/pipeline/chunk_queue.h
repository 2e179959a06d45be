// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "base/mutex.h"

namespace backup::agent {

// A piece of a stream, in a buffer that is used again and again.
struct Chunk {
  explicit Chunk(size_t capacity) : buffer(capacity) {}
  std::vector<char> buffer;
  size_t size = 0;  // Bytes of it that are filled.
};

// Passes chunks from one thread to another and the empty buffers back, so that the memory of a stream of any length is
// that of `chunk_count` buffers. Thread-safe.
class ChunkQueue {
 public:
  ChunkQueue(size_t chunk_bytes, size_t chunk_count);

  // Producer. A buffer to fill, waiting for one at most `timeout` (nothing on timeout); nothing once the consumer has
  // stopped.
  std::unique_ptr<Chunk> TakeEmpty(absl::Duration timeout);
  void PushFull(std::unique_ptr<Chunk> chunk);
  // No more will come.
  void Close();

  // Consumer. The next chunk; nothing when all were taken after Close.
  std::unique_ptr<Chunk> TakeFull();
  void ReturnEmpty(std::unique_ptr<Chunk> chunk);
  // The consumer takes no more.
  void Stop();
  bool stopped() const;

 private:
  mutable Mutex mu_;
  CondVar changed_;
  std::vector<std::unique_ptr<Chunk>> empty_ ABSL_GUARDED_BY(mu_);
  std::deque<std::unique_ptr<Chunk>> full_ ABSL_GUARDED_BY(mu_);
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace backup::agent
