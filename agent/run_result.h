// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "agent/pipeline/job.h"
#include "backup/v1/agent_control_service.pb.h"
#include "backup/v1/run.pb.h"
#include "base/cancellation.h"

namespace backup::agent {

// What an agent says of an attempt's end. Pure.

v1::RunResult BackupSucceeded(const BackupOutcome& outcome, absl::Time start, absl::Time end);
v1::RunResult VerifySucceeded(const VerifyOutcome& outcome, absl::Time start, absl::Time end);
v1::RunResult RemoveSucceeded(const RemoveOutcome& outcome, absl::Time start, absl::Time end);
v1::RunResult DrillSucceeded(const DrillOutcome& outcome, absl::Time start, absl::Time end);
v1::RunResult RestoreSucceeded(const RestoreOutcome& outcome, absl::Time start, absl::Time end);
v1::RunResult RestorePlanned(const RestorePlan& plan, absl::Time start, absl::Time end);

// `error` of a job: CANCELLED, with the reason, when it is the consequence of `cancellation`; else FAILED.
v1::RunResult EndedWithError(const absl::Status& error, const Cancellation& cancellation, absl::Time start,
                             absl::Time end);

// Never started: MISSED, SKIPPED or CANCELLED.
v1::RunResult NotStarted(v1::RunState state, v1::NotStartedCause cause, absl::string_view reason, absl::Time now);

// Cut off by the end of the agent: FAILED AGENT_LOST. `attempt` is the journal's entry.
v1::RunResult CutOff(const v1::Run& attempt, absl::Time now);

// Leaves out facts until `request` fits into a message of `max_bytes`, the least needed first: content hashes of
// tables, sequences, tables. The manifest then says so in a warning; the stored manifest.json keeps all, and
// manifest_sha256 is its.
void FitIntoMessage(v1::CompleteRunRequest& request, size_t max_bytes);

}  // namespace backup::agent
