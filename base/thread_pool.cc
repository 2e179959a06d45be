// SPDX-License-Identifier: Apache-2.0
#include "base/thread_pool.h"

#include <pthread.h>

#include <deque>
#include <thread>
#include <utility>
#include <vector>

#include "base/mutex.h"

namespace backup {

struct ThreadPool::Rep {
  Rep(std::string n, size_t max) : name(std::move(n)), max_queue(max) {}

  void Run();

  const std::string name;
  const size_t max_queue;

  Mutex mu;
  CondVar changed;
  bool shut_down ABSL_GUARDED_BY(mu) = false;
  std::deque<std::function<void()>> queue ABSL_GUARDED_BY(mu);
  std::vector<std::thread> threads ABSL_GUARDED_BY(mu);
};

void ThreadPool::Rep::Run() {
  pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
  while (true) {
    std::function<void()> work;
    {
      MutexLock lock(mu);
      while (queue.empty() && !shut_down) changed.Wait(mu);
      if (queue.empty()) return;
      work = std::move(queue.front());
      queue.pop_front();
    }
    work();
  }
}

ThreadPool::ThreadPool(std::string name, int thread_count, size_t max_queue)
    : rep_(std::make_unique<Rep>(std::move(name), max_queue)) {
  MutexLock lock(rep_->mu);
  for (int i = 0; i < thread_count; ++i) rep_->threads.emplace_back([rep = rep_.get()] { rep->Run(); });
}

ThreadPool::~ThreadPool() { Shutdown(); }

bool ThreadPool::TryAdd(std::function<void()> work) {
  MutexLock lock(rep_->mu);
  if (rep_->shut_down || rep_->queue.size() >= rep_->max_queue) return false;
  rep_->queue.push_back(std::move(work));
  rep_->changed.NotifyOne();
  return true;
}

void ThreadPool::Shutdown() {
  std::vector<std::thread> threads;
  {
    MutexLock lock(rep_->mu);
    rep_->shut_down = true;
    rep_->changed.NotifyAll();
    threads.swap(rep_->threads);
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace backup
