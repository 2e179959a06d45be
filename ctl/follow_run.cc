// SPDX-License-Identifier: Apache-2.0
#include "ctl/follow_run.h"

#include <algorithm>
#include <optional>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "base/cancellation.h"
#include "base/errors.h"
#include "base/text.h"
#include "ctl/progress_line.h"
#include "ctl/run_view.h"
#include "ctl/short_name.h"

namespace backup::ctl {
namespace {

constexpr absl::Duration kLinePeriod = absl::Seconds(10);
// One stream lasts at most this long; then another takes over.
constexpr absl::Duration kStreamDeadline = absl::Minutes(10);
constexpr absl::Duration kFirstDelay = absl::Seconds(1);
constexpr absl::Duration kLongestDelay = absl::Seconds(8);

// Shows a run's progress on stderr.
class ProgressDisplay {
 public:
  explicit ProgressDisplay(CommandEnvironment& env) : env_(env) {}
  ~ProgressDisplay() { Clear(); }

  void Show(const v1::Run& run) {
    if (run.has_progress()) meter_.Add(run.progress());
    if (env_.terminal.err) {
      env_.err << "\r" << ProgressLine(run, meter_, env_.terminal.columns - 1) << "\x1b[K" << std::flush;
      drawn_ = true;
      return;
    }
    const std::string stage = absl::StrCat(run.state(), "/", run.progress().phase(), "/", run.cancel_requested());
    const absl::Duration now = env_.clock.Monotonic();
    if (stage == stage_ && now - last_line_ < kLinePeriod) return;
    stage_ = stage;
    last_line_ = now;
    env_.err << ProgressLine(run, meter_, std::nullopt) << std::endl;
  }

  void Clear() {
    if (drawn_) env_.err << "\r\x1b[K" << std::flush;
    drawn_ = false;
  }

 private:
  CommandEnvironment& env_;
  ProgressMeter meter_;
  bool drawn_ = false;
  std::string stage_;
  absl::Duration last_line_;
};

absl::Status Detached(const std::string& name) {
  const std::string id = ShortName(name);
  return MakeError(absl::StatusCode::kCancelled, "INTERRUPTED",
                   absl::StrCat("stopped watching run ", id, "; the run itself goes on"),
                   absl::StrCat("watch it again: backupctl run watch ", id, "; stop it: backupctl run cancel ", id),
                   {{"run", name}});
}

// Errors of a controller that stops, starts or is busy; it ends its streams as cancelled.
bool MayPass(const absl::Status& status) {
  return status.code() == absl::StatusCode::kUnavailable || status.code() == absl::StatusCode::kDeadlineExceeded ||
         status.code() == absl::StatusCode::kCancelled;
}

// "drill of 20261123T220000Z-7k3m9q2x4d".
std::string Subject(const v1::Run& run) {
  const std::string of = ShortName(run.backup().empty() ? run.database() : run.backup());
  switch (run.kind()) {
    case v1::VERIFY:
      return "verification of " + of;
    case v1::DRILL:
      return "drill of " + of;
    case v1::RESTORE:
      return (run.spec().restore().plan_only() ? "plan to restore " : "restore of ") + of;
    case v1::DELETE:
      return "deletion of " + of;
    default:
      return "backup of " + ShortName(run.database());
  }
}

}  // namespace

absl::StatusOr<v1::Run> FollowRun(Session& session, const std::string& name, const FollowOptions& options) {
  const absl::StatusOr<Client*> client = session.client();
  if (!client.ok()) return client.status();
  CommandEnvironment& env = session.environment();
  ProgressDisplay display(env);
  v1::WatchRunRequest request;
  request.set_name(name);
  request.set_log_offset(-1);
  v1::Run run;
  absl::Duration last_heard = env.clock.Monotonic();
  absl::Duration delay = kFirstDelay;
  bool told = false;
  while (true) {
    const absl::Status status =
        (*client)->WatchRun(request, kStreamDeadline, [&](const v1::WatchRunResponse& response) {
          run = response.run();
          last_heard = env.clock.Monotonic();
          delay = kFirstDelay;
          told = false;
          if (HasEnded(run.state())) return false;
          display.Show(run);
          return true;
        });
    if (HasEnded(run.state())) return run;
    display.Clear();
    if (env.interrupt.cancelled()) return Detached(name);
    if (!status.ok() && !MayPass(status)) return status;
    if (!status.ok() && env.clock.Monotonic() - last_heard > options.patience) {
      return Annotate(status, absl::StrCat("gave up watching run ", ShortName(name), ", which may go on"));
    }
    if (status.code() == absl::StatusCode::kUnavailable && !told) {
      session.Say("the controller cannot be reached just now; the run goes on without it, trying again");
      told = true;
    }
    if (!WaitUnlessCancelled(env.interrupt, delay)) return Detached(name);
    delay = std::min(delay * 2, kLongestDelay);
  }
}

absl::Status OutcomeOf(const v1::Run& run) {
  if (run.state() == v1::SUCCEEDED) return absl::OkStatus();
  const v1::Failure& failure = run.failure();
  std::string message = Subject(run);
  absl::StatusCode code = absl::StatusCode::kUnknown;
  std::string reason = absl::StrCat("RUN_", v1::RunState_Name(run.state()));
  switch (run.state()) {
    case v1::FAILED:
      absl::StrAppend(&message, " failed: ", CleanText(failure.message()));
      break;
    case v1::LOST:
      absl::StrAppend(&message,
                      " was lost: ", CleanText(failure.message().empty() ? run.state_reason() : failure.message()));
      break;
    case v1::MISSED:
      absl::StrAppend(&message, " did not start in time: ", CleanText(run.state_reason()));
      break;
    case v1::SKIPPED:
      absl::StrAppend(&message, " was skipped: ", CleanText(run.state_reason()));
      break;
    case v1::CANCELLED:
      absl::StrAppend(&message, " was cancelled", run.state_reason().empty() ? "" : ": ",
                      CleanText(run.state_reason()));
      break;
    default:
      absl::StrAppend(&message, " has not ended");
      break;
  }
  if (failure.cause() != v1::FAILURE_CAUSE_UNSPECIFIED) reason = v1::FailureCause_Name(failure.cause());
  const bool backup_is_bad = failure.cause() == v1::CORRUPT || failure.cause() == v1::ASSERTION_FAILED;
  if (run.kind() != v1::BACKUP && backup_is_bad) code = absl::StatusCode::kDataLoss;
  if (failure.cause() == v1::RESTORE_REFUSED || failure.cause() == v1::DRILL_REFUSED) {
    code = absl::StatusCode::kFailedPrecondition;
  }
  if (failure.cause() == v1::TABLE_NOT_FOUND) code = absl::StatusCode::kNotFound;
  for (const std::string& line : failure.stderr_lines()) absl::StrAppend(&message, "\n", CleanText(line));
  const char* look = run.has_start_time() ? "logs" : "describe";  // One that never started has no log.
  const std::string hint =
      failure.hint().empty() ? absl::StrCat("see backupctl run ", look, " ", ShortName(run.name())) : failure.hint();
  return MakeError(code, reason, message, hint, {{"run", run.name()}, {"state", v1::RunState_Name(run.state())}});
}

}  // namespace backup::ctl
