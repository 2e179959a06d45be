// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backup/v1/backup_service.grpc.pb.h"
#include "server/api/api_context.h"

namespace backup::server {

// backup.v1.BackupService. Errors as its .proto says. Thread-safe.
class BackupService final : public v1::BackupService::CallbackService {
 public:
  // Borrows `api`.
  explicit BackupService(const ApiContext& api) : api_(api) {}

  grpc::ServerUnaryReactor* GetBackup(grpc::CallbackServerContext* context, const v1::GetBackupRequest* request,
                                      v1::Backup* response) override;
  grpc::ServerUnaryReactor* ListBackups(grpc::CallbackServerContext* context, const v1::ListBackupsRequest* request,
                                        v1::ListBackupsResponse* response) override;
  grpc::ServerUnaryReactor* HoldBackup(grpc::CallbackServerContext* context, const v1::HoldBackupRequest* request,
                                       v1::Backup* response) override;
  grpc::ServerUnaryReactor* ReleaseBackup(grpc::CallbackServerContext* context, const v1::ReleaseBackupRequest* request,
                                          v1::Backup* response) override;
  grpc::ServerUnaryReactor* PlanRetention(grpc::CallbackServerContext* context, const v1::PlanRetentionRequest* request,
                                          v1::RetentionPlan* response) override;
  grpc::ServerUnaryReactor* ApplyRetention(grpc::CallbackServerContext* context,
                                           const v1::ApplyRetentionRequest* request,
                                           v1::AppliedRetention* response) override;
  grpc::ServerUnaryReactor* DeleteBackup(grpc::CallbackServerContext* context, const v1::DeleteBackupRequest* request,
                                         v1::Run* response) override;
  grpc::ServerUnaryReactor* SimulateRetention(grpc::CallbackServerContext* context,
                                              const v1::SimulateRetentionRequest* request,
                                              v1::RetentionSimulation* response) override;
  grpc::ServerUnaryReactor* GetBackupOutlook(grpc::CallbackServerContext* context,
                                             const v1::GetBackupOutlookRequest* request,
                                             v1::BackupOutlook* response) override;

 private:
  const ApiContext& api_;
};

}  // namespace backup::server
