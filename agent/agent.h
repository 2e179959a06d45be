// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/attempt_journal.h"
#include "agent/config.h"
#include "agent/controller_link.h"
#include "agent/database_watch.h"
#include "agent/held_run_set.h"
#include "agent/job_runner.h"
#include "agent/progress_reporter.h"
#include "agent/recovery.h"
#include "agent/repository_gate.h"
#include "agent/result_delivery.h"
#include "agent/run_log.h"
#include "agent/run_loop.h"
#include "agent/spool.h"
#include "agent/state_directory.h"
#include "agent/sync_loop.h"
#include "base/clock.h"
#include "base/loop.h"
#include "base/mutex.h"
#include "base/random.h"

namespace backup::agent {

// The daemon: makes all parts in the order in which they need each other, and owns them.
class Agent {
 public:
  struct Options {
    AgentConfig config;
    std::string agent_id;
    SyncLoop::Options sync;
    // From one look at the repository to the next. Default: 1 minute.
    absl::Duration repository_interval = absl::Minutes(1);
    // How often what runs left there is removed, and what is not ours looked for.
    absl::Duration clean_up_interval = absl::Hours(1);
  };

  // The world outside. `clock` and `random` must outlive the agent.
  struct Outside {
    std::unique_ptr<ControllerLink> link;
    DatabaseProbe probe;
    DumpabilityCheck check;
    // Null: the pipeline.
    std::unique_ptr<JobRunner> jobs;
    Clock& clock;
    Random& random;
  };

  // Takes the state directory and learns what it holds; starts nothing. Errors as StateDirectory::Open and those of its
  // files; a single file that cannot be read is set aside and is no error.
  static absl::StatusOr<std::unique_ptr<Agent>> Create(Options options, Outside outside);
  // Stop, however long it takes.
  ~Agent();
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  // Begins to work: held runs start when they are due, whether the controller and the repository are there or not.
  void Start();
  // Cancels what works, tells the controller if it is there, and ends; takes about `grace` at most. False when some
  // work did not end in that time: then the process must end without destroying this. Idempotent; for one thread.
  bool Stop(absl::Duration grace);

 private:
  Agent(Options options, Outside outside, StateDirectory state);
  absl::Status Load();
  v1::SyncRequest State() const;
  std::set<std::string> UnfinishedRuns() const;
  void Apply(const v1::SyncRequest& asked, const v1::SyncResponse& answer);
  void OnRunsChanged();
  absl::Duration LookAtRepository();
  void CleanUpRepository();

  // Constant after construction. Later ones use those before them.
  const Options options_;
  const std::string boot_id_;
  const std::string hostname_;
  const std::unique_ptr<ControllerLink> link_;
  Clock& clock_;
  StateDirectory state_;
  HeldRunSet held_;
  AttemptJournal journal_;
  Spool spool_;
  RunLogs logs_;
  RepositoryGate repository_;
  const std::unique_ptr<JobRunner> jobs_;

  mutable Mutex mu_;
  v1::RepositoryStatus repository_status_ ABSL_GUARDED_BY(mu_);

  RunLoop runs_;
  Recovery recovery_;
  DatabaseWatch databases_;
  SyncLoop sync_;
  ProgressReporter progress_;
  ResultDelivery delivery_;
  absl::Duration next_clean_up_ = -absl::InfiniteDuration();  // Monotonic; used by repository_loop_ alone.
  Loop repository_loop_;
  bool stopped_ = false;
};

}  // namespace backup::agent
