// SPDX-License-Identifier: Apache-2.0
#include "server/api/backup_service.h"

#include "base/resource_name.h"
#include "base/status_macros.h"
#include "server/api/filters.h"
#include "server/api/paging.h"
#include "server/api/unary_call.h"

namespace backup::server {
namespace {

absl::Status DoGetBackup(const ApiContext& api, const Peer&, const v1::GetBackupRequest& request,
                         v1::Backup& response) {
  RETURN_IF_ERROR(ParseBackupName(request.name()).status());
  ASSIGN_OR_RETURN(response, api.store.GetBackup(request.name()));
  return absl::OkStatus();
}

absl::Status DoListBackups(const ApiContext& api, const Peer&, const v1::ListBackupsRequest& request,
                           v1::ListBackupsResponse& response) {
  RETURN_IF_ERROR(CheckFilter(request.filter()));
  ASSIGN_OR_RETURN(const PageRequest page_request, ToPageRequest(request.page_size(), request.page_token()));
  ASSIGN_OR_RETURN(Page<v1::Backup> page, api.store.ListBackups(request.filter(), page_request));
  MovePage(page, response.mutable_backups(), response.mutable_next_page_token());
  return absl::OkStatus();
}

}  // namespace

grpc::ServerUnaryReactor* BackupService::GetBackup(grpc::CallbackServerContext* context,
                                                   const v1::GetBackupRequest* request, v1::Backup* response) {
  return UnaryCall(api_, context, request, response, DoGetBackup);
}

grpc::ServerUnaryReactor* BackupService::ListBackups(grpc::CallbackServerContext* context,
                                                     const v1::ListBackupsRequest* request,
                                                     v1::ListBackupsResponse* response) {
  return UnaryCall(api_, context, request, response, DoListBackups);
}

}  // namespace backup::server
