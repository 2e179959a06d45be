// SPDX-License-Identifier: Apache-2.0
#include "base/cancellation.h"

#include <utility>

#include "absl/time/clock.h"

namespace backup {

void Cancellation::Cancel(absl::string_view reason) {
  {
    MutexLock lock(mu_);
    if (cancelled_) return;
    cancelled_ = true;
    reason_ = std::string(reason);
    canceller_ = std::this_thread::get_id();
  }
  // One at a time, taken out of the map just before its call: a Registration that dies meanwhile keeps its callback
  // from being called, and one callback may destroy the Registration of another.
  while (true) {
    std::function<void()> callback;
    {
      MutexLock lock(mu_);
      if (callbacks_.empty()) {
        running_id_ = 0;
        callbacks_done_.NotifyAll();
        return;
      }
      auto first = callbacks_.begin();
      running_id_ = first->first;
      callback = std::move(first->second);
      callbacks_.erase(first);
      callbacks_done_.NotifyAll();
    }
    callback();
  }
}

bool Cancellation::cancelled() const {
  MutexLock lock(mu_);
  return cancelled_;
}

std::string Cancellation::reason() const {
  MutexLock lock(mu_);
  return reason_;
}

Cancellation::Registration::Registration(Cancellation& owner, std::function<void()> callback) : owner_(owner) {
  {
    MutexLock lock(owner_.mu_);
    if (!owner_.cancelled_) {
      id_ = owner_.next_id_++;
      owner_.callbacks_.emplace(id_, std::move(callback));
      return;
    }
  }
  callback();
}

Cancellation::Registration::~Registration() {
  MutexLock lock(owner_.mu_);
  owner_.callbacks_.erase(id_);
  // A callback that destroys its own Registration must not wait for itself.
  if (owner_.canceller_ == std::this_thread::get_id()) return;
  while (id_ != 0 && owner_.running_id_ == id_) owner_.callbacks_done_.Wait(owner_.mu_);
}

bool WaitUnlessCancelled(Cancellation& cancellation, absl::Duration duration) {
  Mutex mu;
  CondVar changed;
  bool cancelled = false;
  {
    const Cancellation::Registration registration(cancellation, [&] {
      MutexLock lock(mu);
      cancelled = true;
      changed.NotifyAll();
    });
    const absl::Time end = absl::Now() + duration;
    MutexLock lock(mu);
    for (absl::Time now = absl::Now(); !cancelled && now < end; now = absl::Now()) changed.WaitFor(mu, end - now);
  }
  return !cancellation.cancelled();
}

}  // namespace backup
