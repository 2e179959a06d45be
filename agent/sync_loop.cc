// SPDX-License-Identifier: Apache-2.0
#include "agent/sync_loop.h"

#include <algorithm>
#include <utility>

#include "base/proto_json.h"

namespace backup::agent {
namespace {

constexpr absl::Duration kLogPeriod = absl::Minutes(1);
// The least time from one Sync to the next, when answers come at once and say nothing new: a controller that is out of
// its mind costs one call a second. News are followed sooner, within reason.
constexpr absl::Duration kPauseWithoutNews = absl::Seconds(1);
constexpr absl::Duration kPauseWithNews = absl::Milliseconds(20);
constexpr absl::Duration kMaxDelay = absl::Minutes(5);

}  // namespace

SyncLoop::SyncLoop(Options options, ControllerLink& link, Clock& clock, Random& random,
                   std::function<v1::SyncRequest()> state,
                   std::function<void(const v1::SyncRequest&, const v1::SyncResponse&)> apply)
    : options_(options),
      link_(link),
      clock_(clock),
      state_(std::move(state)),
      apply_(std::move(apply)),
      backoff_(random),
      log_limiter_(kLogPeriod),
      loop_("sync", [this] { return Turn(); }) {}

SyncLoop::~SyncLoop() { Stop(); }

void SyncLoop::Start() { loop_.Start(); }

void SyncLoop::Wake() {
  std::shared_ptr<Cancellation> call;
  {
    MutexLock lock(mu_);
    woken_ = true;
    call = call_;
  }
  if (call != nullptr) {
    call->Cancel("something changed here");
  }
  loop_.Trigger();
}

void SyncLoop::Stop() {
  std::shared_ptr<Cancellation> call;
  {
    MutexLock lock(mu_);
    stopped_ = true;
    call = call_;
  }
  if (call != nullptr) {
    call->Cancel("the agent was stopped");
  }
  loop_.Stop();
}

absl::Duration SyncLoop::Turn() {
  auto call = std::make_shared<Cancellation>();
  {
    MutexLock lock(mu_);
    if (stopped_) {
      return absl::InfiniteDuration();
    }
    call_ = call;
    woken_ = false;
  }
  v1::SyncRequest request = state_();
  request.set_sequence(++sequence_);
  *request.mutable_time() = ToProto(clock_.Now());
  *request.mutable_max_wait() = ToProto(options_.max_wait);
  const absl::Duration begin = clock_.Monotonic();
  const absl::StatusOr<v1::SyncResponse> answer = link_.Sync(request, options_.max_wait + options_.margin, *call);
  {
    MutexLock lock(mu_);
    call_.reset();
    if (stopped_) {
      return absl::InfiniteDuration();
    }
    if (!answer.ok() && woken_) {
      return kPauseWithNews;
    }
  }
  return answer.ok() ? AfterAnswer(request, *answer, clock_.Monotonic() - begin) : AfterError(answer.status());
}

absl::Duration SyncLoop::AfterAnswer(const v1::SyncRequest& request, const v1::SyncResponse& answer,
                                     absl::Duration took) {
  if (away_) {
    LogInfo("in touch with the controller", {{"held_runs", answer.runs_size()}});
  }
  away_ = false;
  backoff_.Reset();
  apply_(request, answer);
  const absl::Duration pause = answer.revision() == request.known_revision() ? kPauseWithoutNews : kPauseWithNews;
  const absl::Duration asked = answer.has_next_sync_delay() ? ToAbsl(answer.next_sync_delay()) : absl::ZeroDuration();
  return std::clamp(asked, std::max(pause - took, absl::ZeroDuration()), kMaxDelay);
}

absl::Duration SyncLoop::AfterError(const absl::Status& error) {
  const absl::Duration delay = backoff_.Next();
  int64_t suppressed_count = 0;
  if (log_limiter_.ShouldLog(clock_.Monotonic(), &suppressed_count)) {
    LogWarning("the controller cannot be reached; held runs start all the same",
               {{"error", error}, {"next_try_in", delay}, {"not_logged", suppressed_count}});
  }
  away_ = true;
  return delay;
}

}  // namespace backup::agent
