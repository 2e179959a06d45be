// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "backup/v1/run.pb.h"
#include "server/api/api_context.h"

namespace backup::server {

// The DRILL that `wanted` asks for: of run.backup, else of the newest good backup of run.database. What run.spec.drill
// leaves open is taken from the policy of the backup, when that still exists. INVALID_FIELD; those of
// backup_to_read.h.
absl::StatusOr<v1::Run> MakeDrillRun(const ApiContext& api, const v1::Run& wanted, absl::Time now);

}  // namespace backup::server
