// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "backup/v1/agent_control_service.pb.h"
#include "backup/v1/run.pb.h"
#include "base/rpc/tls.h"
#include "server/store/store.h"

namespace backup::server {

// Offsets of an attempt's log lines are below this.
inline constexpr int64_t kMaxLogOffset = 100'000;

// What agents send, made fit to be stored and shown. An agent may be hostile: text is cleaned (base/text.h) and cut,
// numbers are kept in range, lists are bounded. Names in a manifest stay as they are, because they identify; whoever
// shows them cleans them.

// The report of one Sync of `peer` at `now`. INVALID_FIELD when there are more than 1000 databases or one has a wrong
// name; NOT_ALLOWED when one belongs to another agent.
absl::StatusOr<AgentReport> CleanAgentReport(const Peer& peer, const v1::SyncRequest& request, absl::Time now);

// INVALID_FIELD when a string of the manifest is longer than 4 KiB.
absl::StatusOr<v1::RunResult> CleanRunResult(const v1::RunResult& result);

// INVALID_FIELD "lines" when there are more than 1000, "lines[i].offset" when one is below 0 or at 100000 or more: that
// many lines of a run are kept.
absl::StatusOr<std::vector<v1::RunLogLine>> CleanLogLines(const v1::UploadRunLogRequest& request);

}  // namespace backup::server
