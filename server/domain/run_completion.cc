// SPDX-License-Identifier: Apache-2.0
#include "server/domain/run_completion.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/proto_json.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "server/domain/backup_facts.h"
#include "server/domain/backup_renewal.h"
#include "server/domain/deletion.h"
#include "server/domain/not_started.h"
#include "server/domain/reported_values.h"
#include "server/domain/run_fence.h"
#include "server/domain/run_retry.h"
#include "server/domain/run_state.h"

namespace backup::server {
namespace {

constexpr size_t kMaxReasonBytes = 1024;

absl::Status ResultInvalid(absl::string_view why) {
  return MakeError(absl::StatusCode::kInvalidArgument, "RESULT_INVALID", why);
}

bool EndsRun(v1::RunState state) {
  return state == v1::SUCCEEDED || state == v1::FAILED || state == v1::CANCELLED || state == v1::SKIPPED ||
         state == v1::MISSED;
}

// States that say: the work was never begun.
bool MeansNotStarted(v1::RunState state) { return state == v1::SKIPPED || state == v1::MISSED; }

// Whether the report says nothing new of a run that has ended for good.
bool IsRepeated(const v1::Run& run, const v1::AttemptRef& attempt, v1::RunState reported) {
  if (run.epoch() != attempt.epoch()) {
    return false;
  }
  if (!run.attempt_id().empty()) {
    return run.attempt_id() == attempt.attempt_id();
  }
  return MeansNotStarted(reported) || reported == v1::CANCELLED;
}

// What the agent says, if it can be meant for this state; agents of before say nothing.
v1::NotStartedCause CauseOf(const v1::RunResult& result) {
  switch (result.not_started_cause()) {
    case v1::AGENT_OFFLINE:
    case v1::NO_FREE_SLOT:
    case v1::START_DEADLINE_PASSED:
    case v1::SUPERSEDED:
      if (result.state() == v1::MISSED) {
        return result.not_started_cause();
      }
      break;
    case v1::OVERLAP:
    case v1::EXCLUDED_WINDOW:
      if (result.state() == v1::SKIPPED) {
        return result.not_started_cause();
      }
      break;
    default:
      break;
  }
  return result.state() == v1::MISSED ? v1::START_DEADLINE_PASSED : v1::OVERLAP;
}

const char* SuccessVerb(const v1::Run& run) {
  switch (run.kind()) {
    case v1::BACKUP:
      return "made";
    case v1::VERIFY:
      return "verified";
    case v1::DELETE:
      return "removed";
    default:
      return run.spec().restore().plan_only() ? "looked at" : "restored";
  }
}

std::string EventText(const v1::Run& run) {
  switch (run.state()) {
    case v1::SUCCEEDED:
      return absl::StrCat(SuccessVerb(run), " ", run.backup());
    case v1::FAILED:
      return absl::StrCat(v1::FailureCause_Name(run.failure().cause()), ": ", run.failure().message());
    default:
      return run.state_reason();
  }
}

// The run as the result leaves it, but for its backup.
v1::Run EndedRun(const v1::Run& before, const v1::AttemptRef& attempt, const v1::RunResult& result, absl::Time now) {
  v1::Run run = before;
  run.set_state(result.state());
  run.set_attempt_id(attempt.attempt_id());
  run.clear_lease_end_time();
  run.set_held_back(false);
  run.clear_failure();
  run.clear_state_reason();
  if (result.state() == v1::FAILED) {
    *run.mutable_failure() = CleanFailure(result.failure());
  } else if (result.state() != v1::SUCCEEDED) {
    // Who cancelled it says more than that the agent was told to.
    run.set_state_reason(before.cancel_requested() && !before.state_reason().empty()
                             ? before.state_reason()
                             : CleanText(result.state_reason(), kMaxReasonBytes));
  }
  if (MeansNotStarted(result.state())) {
    run.set_not_started_cause(CauseOf(result));
  }
  if (!run.has_start_time() && result.has_start_time() && !MeansNotStarted(result.state())) {
    *run.mutable_start_time() = SaneTime(true, result.start_time(), now);
  }
  absl::Time end = ToAbsl(SaneTime(result.has_end_time(), result.end_time(), now));
  if (run.has_start_time()) {
    end = std::max(end, ToAbsl(run.start_time()));
  }
  *run.mutable_end_time() = ToProto(end);
  if (result.has_progress()) {
    *run.mutable_progress() = SaneProgress(result.progress(), now);
  }
  return run;
}

void AddBackup(const RunView& view, const v1::RunResult& result, absl::Time now, RunChange& change) {
  v1::Backup backup = MakeBackup(view, result, now);
  change.run.set_backup(backup.name());
  const std::string agent = AgentOf(view.run);
  if (backup.state() == v1::GOOD) {
    change.events.push_back(MakeEvent(now, agent, backup.name(), "BACKUP_CREATED", "good"));
  } else {
    change.events.push_back(MakeEvent(now, agent, backup.name(), "BACKUP_SUSPICIOUS", backup.state_reason()));
  }
  if (view.last_good.has_value()) {
    const v1::DatabaseIdentity& before = view.last_good->manifest().database();
    const v1::DatabaseIdentity& after = backup.manifest().database();
    if (before.oid() != after.oid() || before.system_identifier() != after.system_identifier()) {
      change.events.push_back(
          MakeEvent(now, agent, backup.database(), "DATABASE_IDENTITY_CHANGED",
                    "the database was made anew, or stands on another server, since the last good backup"));
    }
  }
  change.backups.push_back(std::move(backup));
}

bool IsRestoring(v1::RunKind kind) { return kind == v1::DRILL || kind == v1::RESTORE; }

// Keeps what came back. A drill that came back whole and too late has failed, whatever its agent says: the limit is the
// policy's.
void KeepRestoreFacts(const v1::RunResult& result, v1::Run& run) {
  if (!IsRestoring(run.kind()) || result.state() != v1::SUCCEEDED) {
    return;
  }
  *run.mutable_restore_facts() = result.restore_facts();
  if (const std::string why = FindLateness(run.spec().drill(), result.restore_facts()); !why.empty()) {
    run.set_state(v1::FAILED);
    run.mutable_failure()->set_cause(v1::TIMEOUT);
    run.mutable_failure()->set_message(why);
    run.mutable_failure()->set_hint("raise drill.maxDuration, or give the restore more sessions with dump.jobs");
  }
}

}  // namespace

absl::StatusOr<RunChange> CompleteRun(const RunView& view, const v1::AttemptRef& attempt, const v1::RunResult& result,
                                      absl::Time now) {
  const v1::Run& run = view.run;
  if (!EndsRun(result.state())) {
    return ResultInvalid("the result's state is none that ends a run");
  }
  const bool may_lack_attempt = MeansNotStarted(result.state()) || result.state() == v1::CANCELLED;
  if (!IsValidAttemptId(attempt.attempt_id()) && !(attempt.attempt_id().empty() && may_lack_attempt)) {
    return ResultInvalid("the attempt has no valid id");
  }
  RunChange change;
  if (WasRetried(run, attempt)) {
    change.run = run;
    return change;
  }
  if (IsTerminal(run.state()) && run.state() != v1::LOST) {
    if (IsRepeated(run, attempt, result.state())) {
      change.run = run;
      return change;
    }
    return RunAlreadyEnded(run.name(), v1::RunState_Name(run.state()));
  }
  RETURN_IF_ERROR(CheckFence(run, attempt));
  if (MeansNotStarted(result.state()) && !run.attempt_id().empty()) {
    return ResultInvalid("a run that had started cannot be missed or skipped");
  }
  if (MeansNotStarted(result.state()) && run.retry_count() > 0) {
    return EndNotStarted(run, result.state(), {CauseOf(result), CleanText(result.state_reason(), kMaxReasonBytes)},
                         now);
  }
  const bool made_backup = run.kind() == v1::BACKUP && result.state() == v1::SUCCEEDED;
  if (made_backup) {
    RETURN_IF_ERROR(CheckBackupResult(run, attempt, result));
  } else if (IsRestoring(run.kind()) && result.state() == v1::SUCCEEDED) {
    RETURN_IF_ERROR(CheckRestoreFacts(run.kind(), result));
  }
  change.run = EndedRun(run, attempt, result, now);
  KeepRestoreFacts(result, change.run);
  if (made_backup) {
    AddBackup(view, result, now, change);
  } else if (run.kind() == v1::DELETE) {
    CompleteDeletion(view, now, change);
  } else if (run.kind() != v1::BACKUP) {
    RenewBackup(view, result, now, change);
  }
  if (change.run.state() == v1::FAILED) {
    if (std::optional<RunChange> retry = RetryRun(change.run, view.policy, now)) {
      change.run = std::move(retry->run);
      change.events.insert(change.events.begin(), retry->events.begin(), retry->events.end());
      return change;
    }
  }
  change.events.insert(change.events.begin(),
                       MakeEvent(now, AgentOf(run), run.name(),
                                 absl::StrCat("RUN_", v1::RunState_Name(change.run.state())), EventText(change.run)));
  return change;
}

}  // namespace backup::server
