// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "agent/active_attempts.h"
#include "agent/attempt_journal.h"
#include "agent/attempt_work.h"
#include "agent/config.h"
#include "agent/held_run_set.h"
#include "agent/job_runner.h"
#include "agent/run_log.h"
#include "agent/spool.h"
#include "backup/v1/agent_control_service.pb.h"
#include "base/clock.h"
#include "base/loop.h"
#include "base/random.h"

namespace backup::agent {

// Starts the runs that are held when they are due, by the rules of held_runs.h and by this machine's clock, and sees
// each to its end: journal before the work, result in the spool after it. It talks to nobody; whether the controller is
// there makes no difference to it.
//
// Thread-safe.
class RunLoop {
 public:
  struct Options {
    JobEnvironment environment;
    std::vector<DatabaseConfig> databases;
    int max_runs = 2;
    // Results are cut to this size, by FitIntoMessage. Default: what a controller receives, less some room.
    size_t max_result_bytes = 1'000'000;
  };

  // What it works with; all must outlive it.
  struct Parts {
    JobRunner& jobs;
    HeldRunSet& held;
    AttemptJournal& journal;
    Spool& spool;
    RunLogs& logs;
    Clock& clock;
    Random& random;
  };

  // `on_change` is called, on any thread and outside of locks, when an attempt began or ended or a result was made.
  RunLoop(Options options, Parts parts, std::function<void()> on_change);
  ~RunLoop();
  RunLoop(const RunLoop&) = delete;
  RunLoop& operator=(const RunLoop&) = delete;

  // Calls Tick when a run is due or something changed, on a thread of its own.
  void Start();
  // Starts nothing any more, cancels all work and waits at most `grace` for it. False when some work does not end: then
  // the process must end without destroying this; the journal tells the next start. Idempotent.
  bool Stop(absl::string_view reason, absl::Duration grace);

  // The controller's answer to a Sync: holds what it wants, stops what it wants stopped. `asked` is the request.
  void ApplyDesired(const v1::SyncRequest& asked, const v1::SyncResponse& desired);
  // Stops the attempt at `run`, if there is one; its result is CANCELLED with `reason`.
  void Cancel(absl::string_view run, absl::string_view reason);
  // Goes on with an attempt that was cut off; its journal entry is there. Nobody but Stop cancels it.
  void Resume(const v1::Run& attempt, AttemptWork work);
  // Makes `result` the end of `attempt`: spool, then journal.
  void Conclude(const v1::Run& attempt, const v1::RunResult& result);

  std::vector<v1::AttemptProgress> Attempts() const { return active_.Progress(); }
  std::vector<ActiveAttempt> ActiveRuns() const { return active_.List(); }
  // Runs, `runs/{run}`, that are held or worked on. One that is begun meanwhile is in it.
  std::vector<std::string> HeldAndActiveRuns() const;
  int max_runs() const { return options_.max_runs; }

  // One turn: starts and answers what is due. Returns how long nothing will happen by time alone. For tests without
  // Start.
  absl::Duration Tick();

 private:
  void Begin(const v1::DesiredRun& run, absl::Time now);
  void AnswerWithoutStart(const HeldRunsPlan::NotStarted& answer);
  void OnEnd(const v1::Run& attempt, const std::optional<v1::RunResult>& result);
  void OnGone();
  void SaveHeld();

  // Constant after construction.
  const Options options_;
  const Parts parts_;
  const std::function<void()> on_change_;
  const absl::Time start_time_;

  mutable Mutex begin_mu_;  // Held while attempts begin, so that none does after Stop.
  bool stopping_ ABSL_GUARDED_BY(begin_mu_) = false;
  ActiveAttempts active_;
  Loop loop_;  // Last: its thread uses all of the above.
};

}  // namespace backup::agent
