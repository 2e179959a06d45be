// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "agent/attempt_journal.h"
#include "agent/job_runner.h"
#include "agent/repository_gate.h"
#include "agent/run_loop.h"
#include "agent/spool.h"
#include "backup/v1/run.pb.h"
#include "base/clock.h"
#include "base/mutex.h"

namespace backup::agent {

// Settles what an earlier process of this agent was working on when it ended. An attempt whose result is in the spool
// is over. One whose artifact was published goes on: the artifact is read back, and when it agrees the run SUCCEEDED.
// Any other is FAILED AGENT_LOST. While the repository cannot be had, attempts at backups wait, because nobody knows.
//
// Thread-safe.
class Recovery {
 public:
  struct Parts {
    RunLoop& runs;
    AttemptJournal& journal;
    Spool& spool;
    RepositoryGate& repository;
    JobRunner& jobs;
    Clock& clock;
  };
  // `repository_root` as in the jobs. All parts must outlive it.
  Recovery(Parts parts, std::string repository_root);

  // Learns what the journal has, and settles what the spool already has a result of. Returns the other attempts. Before
  // anything is started.
  absl::StatusOr<std::vector<v1::Run>> Load();
  // Settles what can be settled now. Call it at the start and from time to time.
  void Settle();
  // Runs, `runs/{run}`, of attempts that are not settled yet. Waits for nothing.
  std::vector<std::string> UnsettledRuns() const;

 private:
  // True when it needs no more looking at.
  bool SettleOne(const v1::Run& attempt, bool repository_is_open);

  // Constant after construction.
  const Parts parts_;
  const std::string repository_root_;

  Mutex settle_mu_;  // One Settle at a time; a repository that hangs holds up no other. Taken before mu_.
  mutable Mutex mu_;
  std::vector<v1::Run> unsettled_ ABSL_GUARDED_BY(mu_);
};

}  // namespace backup::agent
