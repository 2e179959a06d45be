// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "backup/v1/backup_service.pb.h"
#include "backup/v1/retention.pb.h"
#include "server/store/store.h"

namespace backup::server {

// Handlers of BackupService.SimulateRetention and GetBackupOutlook; errors as the .proto says.
absl::StatusOr<v1::RetentionSimulation> ReadRetentionSimulation(Store& store,
                                                                const v1::SimulateRetentionRequest& request,
                                                                absl::Time now);
absl::StatusOr<v1::BackupOutlook> ReadBackupOutlook(Store& store, const v1::GetBackupOutlookRequest& request,
                                                    bool clock_jumped, absl::Time now);

}  // namespace backup::server
