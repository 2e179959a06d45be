// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "backup/v1/run.pb.h"
#include "server/api/api_context.h"

namespace backup::server {

// The RESTORE that `wanted` asks for: of run.backup, else of the newest good backup of run.database, as
// run.spec.restore says. INVALID_FIELD; those of backup_to_read.h; FAILED_PRECONDITION RESTORE_TARGET_UNKNOWN when the
// backup's agent does not name the server.
absl::StatusOr<v1::Run> MakeRestoreRun(const ApiContext& api, const v1::Run& wanted, absl::Time now);

}  // namespace backup::server
