// SPDX-License-Identifier: Apache-2.0
#include "server/api/authorizer.h"

#include <algorithm>

#include "base/errors.h"

namespace backup::server {

const std::vector<MethodRule>& MethodRules() {
  static const auto* rules = [] {
    const std::vector<Peer::Kind> anonymous = {Peer::Kind::kAnonymous};
    const std::vector<Peer::Kind> agents = {Peer::Kind::kAgent};
    const std::vector<Peer::Kind> users = {Peer::Kind::kUser};
    return new std::vector<MethodRule>{
        {"backup.v1.AgentControlService.Enroll", anonymous},
        {"backup.v1.AgentControlService.Sync", agents},
        {"backup.v1.AgentControlService.ReportProgress", agents},
        {"backup.v1.AgentControlService.CompleteRun", agents},
        {"backup.v1.AgentControlService.UploadRunLog", agents},
        {"backup.v1.AgentService.GetAgent", users},
        {"backup.v1.AgentService.ListAgents", users},
        {"backup.v1.AgentService.GetDatabase", users},
        {"backup.v1.AgentService.ListDatabases", users},
        {"backup.v1.AgentService.CreateEnrollmentToken", users},
        {"backup.v1.BackupService.GetBackup", users},
        {"backup.v1.BackupService.ListBackups", users},
        {"backup.v1.BackupService.HoldBackup", users},
        {"backup.v1.BackupService.ReleaseBackup", users},
        {"backup.v1.BackupService.PlanRetention", users},
        {"backup.v1.BackupService.ApplyRetention", users},
        {"backup.v1.BackupService.DeleteBackup", users},
        {"backup.v1.BackupService.SimulateRetention", users},
        {"backup.v1.BackupService.GetBackupOutlook", users},
        {"backup.v1.FleetService.GetFleetStatus", users},
        {"backup.v1.FleetService.GetController", users},
        {"backup.v1.FleetService.ListEvents", users},
        {"backup.v1.PolicyService.GetPolicy", users},
        {"backup.v1.PolicyService.ListPolicies", users},
        {"backup.v1.PolicyService.CreatePolicy", users},
        {"backup.v1.PolicyService.UpdatePolicy", users},
        {"backup.v1.PolicyService.DeletePolicy", users},
        {"backup.v1.PolicyService.PausePolicy", users},
        {"backup.v1.PolicyService.ResumePolicy", users},
        {"backup.v1.PolicyService.PreviewPolicy", users},
        {"backup.v1.PolicyService.PlanPolicyChange", users},
        {"backup.v1.ReportService.GetReport", users},
        {"backup.v1.RunService.GetRun", users},
        {"backup.v1.RunService.ListRuns", users},
        {"backup.v1.RunService.CreateRun", users},
        {"backup.v1.RunService.CancelRun", users},
        {"backup.v1.RunService.WatchRun", users},
        {"backup.v1.RunService.ListRunLogLines", users},
    };
  }();
  return *rules;
}

std::string MethodTaking(const google::protobuf::Descriptor& request) {
  const google::protobuf::FileDescriptor* file = request.file();
  for (int s = 0; s < file->service_count(); ++s) {
    for (int m = 0; m < file->service(s)->method_count(); ++m) {
      if (file->service(s)->method(m)->input_type() == &request) {
        return file->service(s)->method(m)->full_name();
      }
    }
  }
  return "";
}

Authorizer::Authorizer(const std::vector<MethodRule>& rules) {
  for (const MethodRule& rule : rules) {
    allowed_[std::string(rule.method)] = rule.allowed;
  }
}

absl::Status Authorizer::Authorize(const Peer& peer, const google::protobuf::Descriptor& request) const {
  const std::string method = MethodTaking(request);
  const auto entry = allowed_.find(method);
  if (entry != allowed_.end() &&
      std::find(entry->second.begin(), entry->second.end(), peer.kind) != entry->second.end()) {
    return absl::OkStatus();
  }
  return peer.kind == Peer::Kind::kAnonymous ? ClientCertificateRequired() : NotAllowed(peer.ToString(), method);
}

}  // namespace backup::server
