// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backup/v1/agent_control_service.pb.h"
#include "backup/v1/run.pb.h"
#include "base/rpc/tls.h"
#include "server/api/api_context.h"

namespace backup::server {

// What agents tell about attempts. Each of these is refused with NOT_ALLOWED, and recorded, when the run belongs to
// another agent.

// Starts the run or extends its lease; gives the run as it is then. Errors of StartOrExtendRun and Store::ChangeRun.
absl::StatusOr<v1::Run> RecordProgress(const ApiContext& api, const Peer& peer, const v1::AttemptProgress& progress);

// Handlers of the methods of the same name.
absl::Status DoReportProgress(const ApiContext& api, const Peer& peer, const v1::ReportProgressRequest& request,
                              v1::ReportProgressResponse& response);
absl::Status DoCompleteRun(const ApiContext& api, const Peer& peer, const v1::CompleteRunRequest& request,
                           v1::CompleteRunResponse& response);
absl::Status DoUploadRunLog(const ApiContext& api, const Peer& peer, const v1::UploadRunLogRequest& request,
                            v1::UploadRunLogResponse& response);

}  // namespace backup::server
