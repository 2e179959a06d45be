// SPDX-License-Identifier: Apache-2.0
#include "ctl/backup_run.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "ctl/backup_view.h"
#include "ctl/database_argument.h"
#include "ctl/error_output.h"
#include "ctl/follow_run.h"
#include "ctl/paging.h"
#include "ctl/run_request.h"
#include "ctl/short_name.h"

namespace backup::ctl {
namespace {

// The databases that are meant, as resource names.
absl::StatusOr<std::vector<std::string>> ChooseDatabases(Client& client, const BackupRunFlags& flags,
                                                         const std::string& policy) {
  if (!flags.database.empty()) {
    ASSIGN_OR_RETURN(const std::string database, ResolveDatabase(client, flags.database));
    return std::vector<std::string>{database};
  }
  v1::GetPolicyRequest get;
  get.set_name(policy);
  RETURN_IF_ERROR(client.Call(&v1::PolicyService::Stub::GetPolicy, get).status());
  ASSIGN_OR_RETURN(const Listed<v1::Database> listed,
                   ListPages(client, &v1::AgentService::Stub::ListDatabases, v1::ListDatabasesRequest(),
                             &v1::ListDatabasesResponse::databases, 0));
  std::vector<std::string> names;
  for (const v1::Database& database : listed.items) {
    const auto& policies = database.policies();
    if (std::find(policies.begin(), policies.end(), policy) != policies.end()) names.push_back(database.name());
  }
  if (names.empty()) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "NOTHING_COVERED",
                     absl::StrCat("policy \"", ShortName(policy), "\" covers no database"),
                     "see backupctl database list and backupctl policy describe");
  }
  return names;
}

// People want to see what was made; programs get the runs, which name it.
absl::Status ShowBackups(Session& session, Client& client, const std::vector<v1::Run>& runs) {
  if (!session.output().for_people()) {
    ShowAskedRuns(session, runs);
    return absl::OkStatus();
  }
  std::vector<v1::Backup> backups;
  for (const v1::Run& run : runs) {
    if (run.state() != v1::SUCCEEDED || run.backup().empty()) continue;
    v1::GetBackupRequest request;
    request.set_name(run.backup());
    ASSIGN_OR_RETURN(v1::Backup backup, client.Call(&v1::BackupService::Stub::GetBackup, request));
    backups.push_back(std::move(backup));
  }
  session.output().List("backups", Pointers(backups), [&] { return BackupTable(backups, session.now()); });
  return absl::OkStatus();
}

// Follows all, one after the other: they work at the same time, and those that have ended meanwhile are told at once.
absl::StatusOr<ExitCode> FollowAll(Session& session, Client& client, std::vector<v1::Run> runs) {
  std::vector<absl::Status> errors;
  for (v1::Run& run : runs) {
    ASSIGN_OR_RETURN(run, FollowRun(session, run.name()));
    const absl::Status outcome = OutcomeOf(run);
    if (!outcome.ok()) errors.push_back(outcome);
  }
  RETURN_IF_ERROR(ShowBackups(session, client, runs));
  if (errors.empty()) return ExitCode::kOk;
  if (errors.size() == 1 && runs.size() == 1) return errors[0];
  for (const absl::Status& error : errors) WriteError(error, session.error_style(), session.environment().err);
  return errors.size() == runs.size() ? ExitCode::kFailed : ExitCode::kPartial;
}

absl::StatusOr<ExitCode> ShowOrFollow(Session& session, Client& client, std::vector<v1::Run> runs, bool wait) {
  for (const v1::Run& run : runs) TellIfAgentIsAway(session, client, run);
  if (wait) return FollowAll(session, client, std::move(runs));
  ShowAskedRuns(session, runs);
  return ExitCode::kOk;
}

}  // namespace

absl::StatusOr<ExitCode> RunBackup(Session& session, const BackupRunFlags& flags) {
  if (flags.database.empty() && flags.policy.empty()) {
    return MakeError(absl::StatusCode::kInvalidArgument, "WRONG_USAGE", "backup run wants a database, or --policy",
                     "see backupctl database list");
  }
  ASSIGN_OR_RETURN(Client * client, session.client());
  const std::string policy = flags.policy.empty() ? "" : FullName("policies", flags.policy);
  ASSIGN_OR_RETURN(const std::vector<std::string> databases, ChooseDatabases(*client, flags, policy));
  std::vector<v1::Run> runs;
  std::vector<absl::Status> errors;
  for (const std::string& database : databases) {
    v1::Run wanted;
    wanted.set_kind(v1::BACKUP);
    wanted.set_database(database);
    wanted.set_policy(policy);
    absl::StatusOr<v1::Run> run = AskForRun(session, *client, wanted);
    if (run.ok()) {
      runs.push_back(*std::move(run));
    } else {
      errors.push_back(Annotate(run.status(), ShortName(database)));
    }
  }
  if (runs.empty()) return databases.size() == 1 ? errors[0] : JoinErrors(errors);
  for (const absl::Status& error : errors) WriteError(error, session.error_style(), session.environment().err);
  ASSIGN_OR_RETURN(const ExitCode exit_code, ShowOrFollow(session, *client, std::move(runs), flags.wait));
  return errors.empty() ? exit_code : ExitCode::kPartial;
}

absl::StatusOr<ExitCode> VerifyBackup(Session& session, const std::string& backup, bool wait) {
  ASSIGN_OR_RETURN(Client * client, session.client());
  v1::Run wanted;
  wanted.set_kind(v1::VERIFY);
  wanted.set_backup(FullName("backups", backup));
  ASSIGN_OR_RETURN(v1::Run run, AskForRun(session, *client, wanted));
  return ShowOrFollow(session, *client, {std::move(run)}, wait);
}

}  // namespace backup::ctl
