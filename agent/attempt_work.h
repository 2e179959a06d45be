// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "agent/config.h"
#include "agent/job_runner.h"
#include "agent/pipeline/job.h"
#include "backup/v1/agent_control_service.pb.h"
#include "backup/v1/run.pb.h"
#include "base/cancellation.h"
#include "base/clock.h"

namespace backup::agent {

// What every job of one agent shares.
struct JobEnvironment {
  std::string agent_id;
  std::string repository;       // Root directory.
  std::string pg_bindir;        // "" to search.
  std::string drill_directory;  // Where the throwaway servers of drills are made.
  std::vector<RestoreTargetConfig> restore_targets;
};

// The work of one attempt, called once on the attempt's own thread. Nothing as the result means that the attempt is not
// over: it stays in the journal for the next start of the agent.
using AttemptWork = std::function<std::optional<v1::RunResult>(JobObserver& observer, Cancellation& cancellation)>;

// A new attempt at `run`: what the journal keeps. The backup's id is fixed here, so that a restart knows what to look
// for.
v1::Run NewAttempt(const v1::DesiredRun& run, std::string attempt_id, absl::Time now);

// Runs the job that `attempt` names, on `database`. The references must outlive the work.
AttemptWork WorkOn(const v1::Run& attempt, const DatabaseConfig& database, const JobEnvironment& environment,
                   JobRunner& jobs, Clock& clock);

// For an attempt at a BACKUP that was cut off after its artifact was published at `path`: reads it back. SUCCEEDED when
// all agrees and it is this attempt's; FAILED CORRUPT when not; not over when it could not be read now.
AttemptWork WorkOnPublished(const v1::Run& attempt, std::string path, JobRunner& jobs, Clock& clock);

}  // namespace backup::agent
