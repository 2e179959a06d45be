// SPDX-License-Identifier: Apache-2.0
#include "server/api/parked_calls.h"

#include <utility>
#include <vector>

#include "base/rpc/grpc_status.h"
#include "server/api/api_errors.h"

namespace backup::server {

ParkedCall::ParkedCall(ThreadPool& pool, ParkedCalls& parked_calls) : pool_(pool), parked_calls_(parked_calls) {}

void ParkedCall::Park(ChangeFeed& feed, absl::string_view resource_name, std::function<void()> on_publish) {
  self_ = shared_from_this();
  const std::shared_ptr<ParkedCall> alive = self_;
  // The feed holds no reference: Release takes the subscription away before the last one goes.
  subscription_ = feed.Subscribe(resource_name, [this, on_publish = std::move(on_publish)] {
    on_publish();
    Wake();
  });
  parked_calls_.Add(alive);
  Wake();
}

void ParkedCall::Release() {
  // Waits for a publish that is under way; nobody publishes on gRPC's threads, where this runs.
  subscription_.reset();
  parked_calls_.Remove(this);
  self_.reset();
}

void ParkedCall::Wake() {
  Next next;
  {
    MutexLock lock(mu_);
    woken_ = true;
    next = Settle();
  }
  Act(next);
}

void ParkedCall::End(const absl::Status& status) {
  Next next;
  {
    MutexLock lock(mu_);
    if (end_.has_value()) {
      return;
    }
    end_ = status;
    next = Settle();
  }
  Act(next);
}

bool ParkedCall::waiting() const {
  MutexLock lock(mu_);
  return !stepping_ && !writing_ && !woken_ && !end_.has_value();
}

void ParkedCall::BeginWrite() {
  MutexLock lock(mu_);
  writing_ = true;
}

void ParkedCall::EndWrite() {
  Next next;
  {
    MutexLock lock(mu_);
    writing_ = false;
    next = Settle();
  }
  Act(next);
}

ParkedCall::Next ParkedCall::Settle() {
  if (stepping_ || writing_ || finished_) {
    return Next::kNothing;
  }
  if (end_.has_value()) {
    finished_ = true;
    return Next::kFinish;
  }
  if (woken_) {
    woken_ = false;
    stepping_ = true;
    return Next::kStep;
  }
  return Next::kNothing;
}

void ParkedCall::Act(Next next) {
  if (next == Next::kFinish) {
    absl::Status status;
    {
      MutexLock lock(mu_);
      status = *end_;
    }
    FinishRpc(ToGrpcStatus(status));
  } else if (next == Next::kStep) {
    const bool accepted = pool_.TryAdd([call = shared_from_this()] {
      call->Step();
      Next after;
      {
        MutexLock lock(call->mu_);
        call->stepping_ = false;
        after = call->Settle();
      }
      call->Act(after);
    });
    if (!accepted) {
      {
        MutexLock lock(mu_);
        stepping_ = false;
      }
      End(ControllerBusy());
    }
  }
}

void ParkedCalls::Stop() {
  std::vector<std::weak_ptr<ParkedCall>> calls;
  {
    MutexLock lock(mu_);
    stopped_ = true;
    for (const auto& [key, call] : calls_) {
      calls.push_back(call);
    }
  }
  for (const std::weak_ptr<ParkedCall>& weak : calls) {
    if (const std::shared_ptr<ParkedCall> call = weak.lock()) {
      call->End(ControllerStopping());
    }
  }
}

size_t ParkedCalls::waiting_count() const {
  MutexLock lock(mu_);
  size_t count = 0;
  for (const auto& [key, weak] : calls_) {
    const std::shared_ptr<ParkedCall> call = weak.lock();
    count += call != nullptr && call->waiting() ? 1 : 0;
  }
  return count;
}

void ParkedCalls::Add(const std::shared_ptr<ParkedCall>& call) {
  {
    MutexLock lock(mu_);
    if (!stopped_) {
      calls_.emplace(call.get(), call);
      return;
    }
  }
  call->End(ControllerStopping());
}

void ParkedCalls::Remove(const ParkedCall* call) {
  MutexLock lock(mu_);
  calls_.erase(call);
}

}  // namespace backup::server
