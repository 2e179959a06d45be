// SPDX-License-Identifier: Apache-2.0
#include "server/api/backup_service.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>

#include "base/resource_name.h"
#include "base/status_macros.h"
#include "server/api/deletion_request.h"
#include "server/api/filters.h"
#include "server/api/paging.h"
#include "server/api/retention_forecast.h"
#include "server/api/unary_call.h"
#include "server/domain/backup_hold.h"
#include "server/domain/retention_plan.h"

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

absl::Status DoHoldBackup(const ApiContext& api, const Peer& peer, const v1::HoldBackupRequest& request,
                          v1::Backup& response) {
  RETURN_IF_ERROR(ParseBackupName(request.name()).status());
  const absl::Time now = api.clock.Now();
  ASSIGN_OR_RETURN(const v1::BackupHold hold, MakeHold(request, peer.ToString(), now));
  ASSIGN_OR_RETURN(response, api.store.SetBackupHold(request.name(), hold, {HeldEvent(request.name(), hold, now)}));
  return absl::OkStatus();
}

absl::Status DoReleaseBackup(const ApiContext& api, const Peer& peer, const v1::ReleaseBackupRequest& request,
                             v1::Backup& response) {
  RETURN_IF_ERROR(ParseBackupName(request.name()).status());
  ASSIGN_OR_RETURN(response, api.store.GetBackup(request.name()));
  response.clear_manifest();
  if (!response.has_hold()) {
    return absl::OkStatus();
  }
  const v1::Event event = ReleasedEvent(request.name(), peer.ToString(), api.clock.Now());
  ASSIGN_OR_RETURN(response, api.store.SetBackupHold(request.name(), std::nullopt, {event}));
  return absl::OkStatus();
}

absl::Status DoPlanRetention(const ApiContext& api, const Peer&, const v1::PlanRetentionRequest& request,
                             v1::RetentionPlan& response) {
  RETURN_IF_ERROR(ParseDatabaseName(request.database()).status());
  ASSIGN_OR_RETURN(const PageRequest page_request, ToPageRequest(request.page_size(), request.page_token()));
  const absl::Time now = api.clock.Now();
  ASSIGN_OR_RETURN(const DatabaseBackupsView view, api.store.ReadDatabaseBackups(request.database(), now));
  response = PlanDatabaseRetention(view, api.clock_watch.jumped(), now);
  // A page of the plan is one of the backups that it is about.
  v1::BackupFilter filter;
  filter.set_database(request.database());
  ASSIGN_OR_RETURN(const Page<v1::Backup> page, api.store.ListBackups(filter, page_request));
  std::set<std::string> names;
  for (const v1::Backup& backup : page.items) {
    names.insert(backup.name());
  }
  auto& decisions = *response.mutable_decisions();
  decisions.erase(std::remove_if(decisions.begin(), decisions.end(),
                                 [&names](const v1::RetentionDecision& decision) {
                                   return !names.contains(decision.backup().name());
                                 }),
                  decisions.end());
  response.set_next_page_token(page.next_token);
  return absl::OkStatus();
}

absl::Status DoSimulateRetention(const ApiContext& api, const Peer&, const v1::SimulateRetentionRequest& request,
                                 v1::RetentionSimulation& response) {
  ASSIGN_OR_RETURN(response, ReadRetentionSimulation(api.store, request, api.clock.Now()));
  return absl::OkStatus();
}

absl::Status DoGetBackupOutlook(const ApiContext& api, const Peer&, const v1::GetBackupOutlookRequest& request,
                                v1::BackupOutlook& response) {
  ASSIGN_OR_RETURN(response, ReadBackupOutlook(api.store, request, api.clock_watch.jumped(), api.clock.Now()));
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

grpc::ServerUnaryReactor* BackupService::HoldBackup(grpc::CallbackServerContext* context,
                                                    const v1::HoldBackupRequest* request, v1::Backup* response) {
  return UnaryCall(api_, context, request, response, DoHoldBackup);
}

grpc::ServerUnaryReactor* BackupService::ReleaseBackup(grpc::CallbackServerContext* context,
                                                       const v1::ReleaseBackupRequest* request, v1::Backup* response) {
  return UnaryCall(api_, context, request, response, DoReleaseBackup);
}

grpc::ServerUnaryReactor* BackupService::PlanRetention(grpc::CallbackServerContext* context,
                                                       const v1::PlanRetentionRequest* request,
                                                       v1::RetentionPlan* response) {
  return UnaryCall(api_, context, request, response, DoPlanRetention);
}

grpc::ServerUnaryReactor* BackupService::ApplyRetention(grpc::CallbackServerContext* context,
                                                        const v1::ApplyRetentionRequest* request,
                                                        v1::AppliedRetention* response) {
  return UnaryCall(api_, context, request, response, DoApplyRetention);
}

grpc::ServerUnaryReactor* BackupService::DeleteBackup(grpc::CallbackServerContext* context,
                                                      const v1::DeleteBackupRequest* request, v1::Run* response) {
  return UnaryCall(api_, context, request, response, DoDeleteBackup);
}

grpc::ServerUnaryReactor* BackupService::SimulateRetention(grpc::CallbackServerContext* context,
                                                           const v1::SimulateRetentionRequest* request,
                                                           v1::RetentionSimulation* response) {
  return UnaryCall(api_, context, request, response, DoSimulateRetention);
}

grpc::ServerUnaryReactor* BackupService::GetBackupOutlook(grpc::CallbackServerContext* context,
                                                          const v1::GetBackupOutlookRequest* request,
                                                          v1::BackupOutlook* response) {
  return UnaryCall(api_, context, request, response, DoGetBackupOutlook);
}

}  // namespace backup::server
