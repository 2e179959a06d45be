// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/status/status.h"
#include "backup/v1/run_service.pb.h"
#include "base/rpc/tls.h"
#include "server/api/api_context.h"

namespace backup::server {

// Handler of RunService.CreateRun. INVALID_FIELD "run.kind", "run.database", "run.policy", "run.backup",
// "request_id" or, of a DRILL, those of drill_request.h; DATABASE_NOT_FOUND, POLICY_NOT_FOUND, BACKUP_NOT_FOUND,
// DATABASE_NOT_COVERED, NO_GOOD_BACKUP.
absl::Status DoCreateRun(const ApiContext& api, const Peer& peer, const v1::CreateRunRequest& request,
                         v1::Run& response);

}  // namespace backup::server
