// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/chunk_queue.h"

#include <utility>

#include "base/clock.h"

namespace backup::agent {

ChunkQueue::ChunkQueue(size_t chunk_bytes, size_t chunk_count) {
  MutexLock lock(mu_);
  for (size_t i = 0; i < chunk_count; ++i) {
    empty_.push_back(std::make_unique<Chunk>(chunk_bytes));
  }
}

std::unique_ptr<Chunk> ChunkQueue::TakeEmpty(absl::Duration timeout) {
  const absl::Duration deadline = Clock::Real().Monotonic() + timeout;
  MutexLock lock(mu_);
  while (empty_.empty() && !stopped_) {
    const absl::Duration left = deadline - Clock::Real().Monotonic();
    if (left <= absl::ZeroDuration()) {
      return nullptr;
    }
    changed_.WaitFor(mu_, left);
  }
  if (stopped_) {
    return nullptr;
  }
  std::unique_ptr<Chunk> chunk = std::move(empty_.back());
  empty_.pop_back();
  chunk->size = 0;
  return chunk;
}

void ChunkQueue::PushFull(std::unique_ptr<Chunk> chunk) {
  MutexLock lock(mu_);
  full_.push_back(std::move(chunk));
  changed_.NotifyAll();
}

void ChunkQueue::Close() {
  MutexLock lock(mu_);
  closed_ = true;
  changed_.NotifyAll();
}

std::unique_ptr<Chunk> ChunkQueue::TakeFull() {
  MutexLock lock(mu_);
  while (full_.empty() && !closed_) {
    changed_.Wait(mu_);
  }
  if (full_.empty()) {
    return nullptr;
  }
  std::unique_ptr<Chunk> chunk = std::move(full_.front());
  full_.pop_front();
  return chunk;
}

void ChunkQueue::ReturnEmpty(std::unique_ptr<Chunk> chunk) {
  MutexLock lock(mu_);
  empty_.push_back(std::move(chunk));
  changed_.NotifyAll();
}

void ChunkQueue::Stop() {
  MutexLock lock(mu_);
  stopped_ = true;
  changed_.NotifyAll();
}

bool ChunkQueue::stopped() const {
  MutexLock lock(mu_);
  return stopped_;
}

}  // namespace backup::agent
