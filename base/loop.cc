// SPDX-License-Identifier: Apache-2.0
#include "base/loop.h"

#include <pthread.h>

#include <chrono>
#include <thread>
#include <utility>

#include "base/mutex.h"

namespace backup {

struct Loop::Rep {
  Rep(std::string n, std::function<absl::Duration()> b) : name(std::move(n)), body(std::move(b)) {}

  void Run();
  // Waits until `delay` has passed, Trigger or Stop; false on Stop.
  bool Rest(absl::Duration delay) ABSL_LOCKS_EXCLUDED(mu);

  const std::string name;
  const std::function<absl::Duration()> body;

  Mutex mu;
  CondVar changed;
  bool triggered ABSL_GUARDED_BY(mu) = false;
  bool stopped ABSL_GUARDED_BY(mu) = false;
  std::thread thread ABSL_GUARDED_BY(mu);
};

void Loop::Rep::Run() {
  pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
  absl::Duration delay = absl::ZeroDuration();
  while (Rest(delay)) delay = body();
}

bool Loop::Rep::Rest(absl::Duration delay) {
  using SteadyClock = std::chrono::steady_clock;
  const auto start = SteadyClock::now();
  MutexLock lock(mu);
  while (!stopped && !triggered) {
    const absl::Duration left = delay - absl::FromChrono(SteadyClock::now() - start);
    if (left <= absl::ZeroDuration()) break;
    changed.WaitFor(mu, left);
  }
  triggered = false;
  return !stopped;
}

Loop::Loop(std::string name, std::function<absl::Duration()> body)
    : rep_(std::make_unique<Rep>(std::move(name), std::move(body))) {}

Loop::~Loop() { Stop(); }

void Loop::Start() {
  MutexLock lock(rep_->mu);
  if (rep_->stopped || rep_->thread.joinable()) return;
  rep_->thread = std::thread([rep = rep_.get()] { rep->Run(); });
}

void Loop::Trigger() {
  MutexLock lock(rep_->mu);
  rep_->triggered = true;
  rep_->changed.NotifyAll();
}

void Loop::Stop() {
  std::thread thread;
  {
    MutexLock lock(rep_->mu);
    rep_->stopped = true;
    rep_->changed.NotifyAll();
    thread = std::move(rep_->thread);
  }
  if (thread.joinable()) thread.join();
}

}  // namespace backup
