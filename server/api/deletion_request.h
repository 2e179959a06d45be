// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/status/status.h"
#include "backup/v1/backup_service.pb.h"
#include "base/rpc/tls.h"
#include "server/api/api_context.h"

namespace backup::server {

// Handlers of the methods of BackupService that let backups go.
absl::Status DoApplyRetention(const ApiContext& api, const Peer& peer, const v1::ApplyRetentionRequest& request,
                              v1::AppliedRetention& response);
absl::Status DoDeleteBackup(const ApiContext& api, const Peer& peer, const v1::DeleteBackupRequest& request,
                            v1::Run& response);

}  // namespace backup::server
