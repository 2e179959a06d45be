// SPDX-License-Identifier: Apache-2.0
#include "server/domain/run_retry.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/proto_json.h"
#include "base/units.h"
#include "server/domain/run_state.h"

namespace backup::server {
namespace {

constexpr absl::Duration kMaxBackoff = absl::Hours(1);
constexpr int kMaxDoublings = 12;  // From a second to more than an hour.

// The first moment from `time` on at which the run may start.
absl::Time AfterExcluded(const v1::RunSpec& spec, absl::Time time) {
  for (const v1::TimeSpan& span : spec.not_during()) {
    if (ToAbsl(span.start_time()) <= time && time < ToAbsl(span.end_time())) {
      return ToAbsl(span.end_time());
    }
  }
  return time;
}

}  // namespace

bool MayPass(v1::FailureCause cause) {
  switch (cause) {
    case v1::LOCK_TIMEOUT:
    case v1::NETWORK:
    case v1::STALLED:
    case v1::REPOSITORY_BUSY:
    case v1::REPOSITORY_UNAVAILABLE:
    case v1::IO:
    case v1::DISK_FULL:
    case v1::AGENT_LOST:
      return true;
    default:
      return false;
  }
}

std::optional<RunChange> RetryRun(const v1::Run& failed, const std::optional<v1::Policy>& policy, absl::Time now) {
  if (!policy.has_value() || failed.manual() || failed.cancel_requested() || !MayPass(failed.failure().cause())) {
    return std::nullopt;
  }
  const v1::RetrySpec& retry = policy->spec().schedule().retry();
  if (policy->spec().schedule().paused() || failed.retry_count() + 1 >= retry.attempts()) {
    return std::nullopt;
  }
  const absl::Duration wait =
      std::min(ToAbsl(retry.backoff()) * (1 << std::min(failed.retry_count(), kMaxDoublings)), kMaxBackoff);
  const absl::Time not_before = AfterExcluded(failed.spec(), now + wait);
  if (failed.has_start_deadline_time() && not_before >= ToAbsl(failed.start_deadline_time())) {
    return std::nullopt;
  }
  RunChange change;
  change.run = failed;
  v1::Run& run = change.run;
  run.set_state(v1::PENDING);
  run.set_epoch(failed.epoch() + 1);
  run.set_retried_attempt_id(failed.attempt_id());
  run.set_retry_count(failed.retry_count() + 1);
  run.set_delivered(false);
  run.set_held_back(policy->spec().schedule().max_running() > 0);
  run.clear_attempt_id();
  run.clear_lease_end_time();
  run.clear_start_time();
  run.clear_end_time();
  run.clear_progress();
  *run.mutable_not_before_time() = ToProto(not_before);
  change.events.push_back(MakeEvent(
      now, AgentOf(run), run.name(), "RUN_RETRIED",
      absl::StrCat("attempt ", failed.attempt_id(), " failed (", v1::FailureCause_Name(failed.failure().cause()), ": ",
                   failed.failure().message(), "); attempt ", run.retry_count() + 1, " of ", retry.attempts(),
                   " not before ", FormatRfc3339(not_before))));
  return change;
}

bool WasRetried(const v1::Run& run, const v1::AttemptRef& attempt) {
  return !run.retried_attempt_id().empty() && attempt.attempt_id() == run.retried_attempt_id() &&
         attempt.epoch() == run.epoch() - 1;
}

}  // namespace backup::server
