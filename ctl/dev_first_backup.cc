// SPDX-License-Identifier: Apache-2.0
#include "ctl/dev_first_backup.h"

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "ctl/dev_wait.h"

namespace backup::ctl {
namespace {

absl::Status RunFailed(const v1::Run& run) {
  const v1::Failure& failure = run.failure();
  std::string reason = v1::FailureCause_Name(failure.cause());
  std::string why = failure.message();
  if (failure.cause() == v1::FAILURE_CAUSE_UNSPECIFIED) {
    reason = absl::StrCat("RUN_", v1::RunState_Name(run.state()));
    why = run.state_reason();
  }
  return MakeError(absl::StatusCode::kInternal, reason, absl::StrCat("the first backup failed: ", why), failure.hint());
}

}  // namespace

absl::StatusOr<bool> EnsurePolicy(Client& client, const v1::Policy& policy) {
  v1::CreatePolicyRequest request;
  *request.mutable_policy() = policy;
  const absl::Status created = client.Call(&v1::PolicyService::Stub::CreatePolicy, request).status();
  if (ErrorReason(created) == "POLICY_ALREADY_EXISTS") return false;
  RETURN_IF_ERROR(created);
  return true;
}

absl::StatusOr<std::string> AgentBootId(Client& client, const std::string& agent) {
  v1::GetAgentRequest request;
  request.set_name(agent);
  ASSIGN_OR_RETURN(const v1::Agent found, client.Call(&v1::AgentService::Stub::GetAgent, request));
  return found.boot_id();
}

absl::StatusOr<std::string> AwaitDatabase(Client& client, const std::string& agent, const std::string& old_boot_id,
                                          const std::function<bool()>& runs, absl::Duration timeout) {
  v1::ListDatabasesRequest request;
  request.set_parent(agent);
  absl::StatusOr<std::string> boot_id = std::string();
  WaitUntil(timeout, client.interrupt(), [&] {
    boot_id = AgentBootId(client, agent);
    return !boot_id.ok() || (!boot_id->empty() && *boot_id != old_boot_id) || !runs();
  });
  RETURN_IF_ERROR(boot_id.status());
  ASSIGN_OR_RETURN(const v1::ListDatabasesResponse response,
                   client.Call(&v1::AgentService::Stub::ListDatabases, request));
  if (*boot_id != old_boot_id && !response.databases().empty()) return response.databases(0).name();
  if (client.interrupt().cancelled()) return MakeError(absl::StatusCode::kCancelled, "INTERRUPTED", "interrupted");
  return MakeError(absl::StatusCode::kInternal, "DEV_AGENT_FAILED",
                   absl::StrCat(agent, runs() ? " does not report its database" : " has ended"));
}

absl::StatusOr<std::optional<v1::Backup>> NewestGoodBackup(Client& client, const std::string& database) {
  v1::ListBackupsRequest request;
  request.mutable_filter()->set_database(database);
  request.mutable_filter()->add_states(v1::GOOD);
  request.set_page_size(1);
  ASSIGN_OR_RETURN(const v1::ListBackupsResponse response, client.Call(&v1::BackupService::Stub::ListBackups, request));
  if (response.backups().empty()) return std::nullopt;
  return response.backups(0);
}

absl::StatusOr<v1::Backup> MakeBackup(Client& client, const std::string& database, const std::string& policy,
                                      absl::Duration timeout) {
  v1::CreateRunRequest request;
  request.mutable_run()->set_kind(v1::BACKUP);
  request.mutable_run()->set_database(database);
  request.mutable_run()->set_policy(policy);
  ASSIGN_OR_RETURN(v1::Run run, client.Call(&v1::RunService::Stub::CreateRun, request));
  v1::WatchRunRequest watch;
  watch.set_name(run.name());
  watch.set_log_offset(-1);
  RETURN_IF_ERROR(client.WatchRun(watch, timeout, [&](const v1::WatchRunResponse& response) {
    run = response.run();
    return true;  // The stream ends with the run.
  }));
  if (run.state() != v1::SUCCEEDED) return RunFailed(run);
  v1::GetBackupRequest get;
  get.set_name(run.backup());
  return client.Call(&v1::BackupService::Stub::GetBackup, get);
}

}  // namespace backup::ctl
