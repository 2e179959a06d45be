// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

namespace backup {

// A fixed number of threads that run closures in the order given; the queue is bounded. Thread-safe.
class ThreadPool {
 public:
  ThreadPool(std::string name, int thread_count, size_t max_queue);
  // Shutdown.
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // False when the queue is full or after Shutdown: `work` will then never run.
  bool TryAdd(std::function<void()> work);
  // Runs what is queued, then ends the threads. Idempotent.
  void Shutdown();

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace backup
