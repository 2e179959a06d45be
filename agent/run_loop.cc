// SPDX-License-Identifier: Apache-2.0
#include "agent/run_loop.h"

#include <algorithm>
#include <utility>

#include "agent/attempt_key.h"
#include "agent/desired_run_check.h"
#include "agent/held_runs.h"
#include "agent/run_result.h"
#include "base/log.h"

namespace backup::agent {
namespace {

// The wall clock may be set while we wait on the steady one.
constexpr absl::Duration kMaxWait = absl::Seconds(1);

bool WasReported(const v1::SyncRequest& request, const std::string& run) {
  return std::any_of(request.attempts().begin(), request.attempts().end(),
                     [&](const v1::AttemptProgress& attempt) { return attempt.attempt().run() == run; });
}

std::vector<LogField> FieldsOf(const v1::Run& attempt) {
  return {{"run", attempt.name()},
          {"epoch", attempt.epoch()},
          {"kind", v1::RunKind_Name(attempt.kind())},
          {"database", attempt.database()},
          {"policy", attempt.policy()}};
}

}  // namespace

RunLoop::RunLoop(Options options, Parts parts, std::function<void()> on_change)
    : options_(std::move(options)),
      parts_(parts),
      on_change_(std::move(on_change)),
      start_time_(parts.clock.Now()),
      active_(
          parts.logs, parts.clock,
          [this](const v1::Run& attempt, const std::optional<v1::RunResult>& result) { OnEnd(attempt, result); },
          [this] { OnGone(); }),
      loop_("run-loop", [this] { return Tick(); }) {}

RunLoop::~RunLoop() { Stop("the agent was stopped", absl::InfiniteDuration()); }

void RunLoop::Start() { loop_.Start(); }

bool RunLoop::Stop(absl::string_view reason, absl::Duration grace) {
  loop_.Stop();
  MutexLock lock(begin_mu_);
  stopping_ = true;
  return active_.Stop(reason, grace);
}

absl::Duration RunLoop::Tick() {
  bool changed = false;
  absl::Time next_time = absl::InfiniteFuture();
  const absl::Time now = parts_.clock.Now();
  HeldRunsPlan plan;
  {
    MutexLock lock(begin_mu_);
    active_.Reap();
    if (stopping_) {
      return absl::InfiniteDuration();
    }
    plan = PlanHeldRuns(parts_.held.runs(), active_.List(), {options_.max_runs, start_time_}, now);
  }
  next_time = plan.next_time;
  // Locked for one run at a time: each writes to disk, and there may be many.
  for (const HeldRunsPlan::NotStarted& answer : plan.not_started) {
    MutexLock lock(begin_mu_);
    // Withdrawn by the controller since the plan was made: then there is nothing to answer.
    if (!stopping_ && parts_.held.Take(KeyOf(answer.run))) {
      AnswerWithoutStart(answer);
      changed = true;
    }
  }
  for (const v1::DesiredRun& run : plan.start) {
    MutexLock lock(begin_mu_);
    if (!stopping_ && parts_.held.Take(KeyOf(run))) {
      Begin(run, now);
      changed = true;
    }
  }
  if (changed) {
    SaveHeld();
    on_change_();
  }
  return next_time == absl::InfiniteFuture() ? absl::InfiniteDuration()
                                             : std::clamp(next_time - now, absl::ZeroDuration(), kMaxWait);
}

void RunLoop::Begin(const v1::DesiredRun& run, absl::Time now) {
  const v1::Run attempt = NewAttempt(run, NewId(parts_.random), now);
  const absl::StatusOr<const DatabaseConfig*> database =
      CheckDesiredRun(run, options_.environment.agent_id, options_.databases, options_.environment.restore_targets);
  absl::Status status = database.status();
  if (status.ok()) {
    // Without it a crash would make the run start again.
    status = parts_.journal.Write(attempt);
  }
  if (!status.ok()) {
    LogError("run not started", {{"run", run.run()}, {"error", status}});
    Conclude(attempt, EndedWithError(status, Cancellation(), now, now));
    return;
  }
  LogInfo("run started", FieldsOf(attempt));
  parts_.logs.Begin(RefOf(attempt));
  active_.Begin(attempt, /*cancellable=*/true,
                WorkOn(attempt, **database, options_.environment, parts_.jobs, parts_.clock));
}

void RunLoop::AnswerWithoutStart(const HeldRunsPlan::NotStarted& answer) {
  const absl::Time now = parts_.clock.Now();
  LogWarning("run not started", {{"run", answer.run.run()},
                                 {"database", answer.run.database()},
                                 {"state", v1::RunState_Name(answer.state)},
                                 {"reason", answer.reason}});
  Conclude(NewAttempt(answer.run, NewId(parts_.random), now),
           NotStarted(answer.state, answer.cause, answer.reason, now));
}

void RunLoop::Conclude(const v1::Run& attempt, const v1::RunResult& result) {
  v1::CompleteRunRequest request;
  *request.mutable_attempt() = RefOf(attempt);
  *request.mutable_result() = result;
  FitIntoMessage(request, options_.max_result_bytes);
  // While the result is in memory only, the journal has to tell a restart.
  if (!parts_.spool.Put(request).ok()) {
    return;
  }
  if (const absl::Status status = parts_.journal.Remove(KeyOf(attempt)); !status.ok()) {
    LogError("a journal entry could not be removed", {{"run", attempt.name()}, {"error", status}});
  }
}

void RunLoop::OnEnd(const v1::Run& attempt, const std::optional<v1::RunResult>& result) {
  std::vector<LogField> fields = FieldsOf(attempt);
  if (result.has_value()) {
    fields.emplace_back("state", v1::RunState_Name(result->state()));
    if (result->has_failure()) {
      fields.emplace_back("cause", v1::FailureCause_Name(result->failure().cause()));
      fields.emplace_back("error", result->failure().message());
    }
    Conclude(attempt, *result);
  }
  parts_.logs.Finish(KeyOf(attempt));
  LogInfo(result.has_value() ? "run ended" : "run left for later", fields);
}

void RunLoop::OnGone() {
  loop_.Trigger();
  on_change_();
}

void RunLoop::ApplyDesired(const v1::SyncRequest& asked, const v1::SyncResponse& desired) {
  parts_.held.Replace(desired);
  for (const std::string& name : desired.cancel_runs()) {
    // What works is meant, if it worked when we asked: the same run may be wanted anew under another epoch.
    if (active_.Cancel(name, "it was cancelled on request") || WasReported(asked, name)) {
      continue;
    }
    if (const std::optional<v1::DesiredRun> run = parts_.held.TakeByName(name); run.has_value()) {
      AnswerWithoutStart(
          {*run, v1::CANCELLED, v1::NOT_STARTED_CAUSE_UNSPECIFIED, "it was cancelled on request before it started"});
      on_change_();
    }
  }
  SaveHeld();
  loop_.Trigger();
}

std::vector<std::string> RunLoop::HeldAndActiveRuns() const {
  std::vector<std::string> runs;
  MutexLock lock(begin_mu_);
  for (const v1::DesiredRun& run : parts_.held.runs()) {
    runs.push_back(run.run());
  }
  for (const ActiveAttempt& attempt : active_.List()) {
    runs.push_back(attempt.run);
  }
  return runs;
}

void RunLoop::Cancel(absl::string_view run, absl::string_view reason) { active_.Cancel(run, reason); }

void RunLoop::Resume(const v1::Run& attempt, AttemptWork work) {
  MutexLock lock(begin_mu_);
  if (!stopping_) {
    LogInfo("run goes on", FieldsOf(attempt));
    parts_.logs.Begin(RefOf(attempt));
    active_.Begin(attempt, /*cancellable=*/false, std::move(work));
  }
}

void RunLoop::SaveHeld() {
  if (const absl::Status status = parts_.held.Save(); !status.ok()) {
    LogError("the held runs could not be written; a restart without the controller would not know them",
             {{"error", status}});
  }
}

}  // namespace backup::agent
