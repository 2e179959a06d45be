// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "backup/v1/agent_control_service.pb.h"
#include "backup/v1/run.pb.h"

namespace backup::agent {

// The rules by which an agent starts the runs that it holds, whether the controller is there or not. Pure.

// One attempt that is being worked on.
struct ActiveAttempt {
  std::string run;       // `runs/{run}`.
  std::string database;  // `agents/{agent}/databases/{database}`.
  std::string policy;    // `policies/{policy}`; may be empty.
  v1::RunKind kind = v1::BACKUP;
  std::string backup_id;  // Of the backup that it makes or reads.
};

struct HeldRunLimits {
  // Attempts that may work at once, in all; on one database never more than one.
  int max_runs = 1;
  // When this agent began to look; for the reason of a missed run.
  absl::Time agent_start_time = absl::InfinitePast();
};

struct HeldRunsPlan {
  // To be started now, in this order.
  std::vector<v1::DesiredRun> start;

  // Not to be started at all; reported instead.
  struct NotStarted {
    v1::DesiredRun run;
    v1::RunState state = v1::RUN_STATE_UNSPECIFIED;  // MISSED or SKIPPED.
    v1::NotStartedCause cause = v1::NOT_STARTED_CAUSE_UNSPECIFIED;
    std::string reason;
  };
  std::vector<NotStarted> not_started;

  // When the passing of time alone makes another plan; InfiniteFuture when it never does.
  absl::Time next_time = absl::InfiniteFuture();
};

// What to do with the `held` runs at `now`. A run is due from its not-before time on (one asked for by
// hand and not put off: at once, whatever the clocks say), unless spec.not_during lets it
// wait, and MISSED from its start deadline on. Of the due ones, those that a person waits for come first, then the
// oldest slot; deletions come last. Of several scheduled ones of the same policy, database and kind, the newest slot
// stands in for the others, which are MISSED: after an outage one run catches up, not a burst. While another of the
// same policy, database and kind works, a scheduled run is SKIPPED, or with overlap QUEUE_ONE waits, the newest alone.
// Any other waits for its database and for a free slot. Runs that are neither in `start` nor in `not_started` are to be
// held on. A run that is active already, under whatever epoch, waits.
HeldRunsPlan PlanHeldRuns(const std::vector<v1::DesiredRun>& held, const std::vector<ActiveAttempt>& active,
                          const HeldRunLimits& limits, absl::Time now);

}  // namespace backup::agent
