// SPDX-License-Identifier: Apache-2.0
#include "ctl/backup_run.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/proto_json.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "base/units.h"
#include "ctl/backup_view.h"
#include "ctl/database_argument.h"
#include "ctl/error_output.h"
#include "ctl/follow_run.h"
#include "ctl/paging.h"
#include "ctl/run_view.h"
#include "ctl/short_name.h"

namespace backup::ctl {
namespace {

// A random UUID (RFC 4122, version 4).
std::string MakeUuid(Random& random) {
  std::string bytes = RandomBytes(random, 16);
  bytes[6] = static_cast<char>((bytes[6] & 0x0F) | 0x40);
  bytes[8] = static_cast<char>((bytes[8] & 0x3F) | 0x80);
  std::string uuid = absl::BytesToHexString(bytes);
  for (const size_t at : {20, 16, 12, 8}) uuid.insert(at, 1, '-');
  return uuid;
}

absl::StatusOr<v1::Run> AskFor(Session& session, Client& client, const v1::Run& run) {
  v1::CreateRunRequest request;
  *request.mutable_run() = run;
  request.set_request_id(MakeUuid(session.environment().random));
  return client.Call(&v1::RunService::Stub::CreateRun, request);
}

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

// A run of a silent agent waits for it: better said than left to be wondered about.
void TellIfAgentIsAway(Session& session, Client& client, const v1::Run& run) {
  const absl::StatusOr<DatabaseId> id = ParseDatabaseName(run.database());
  if (!id.ok() || HasEnded(run.state())) return;
  v1::GetAgentRequest request;
  request.set_name(MakeAgentName(id->agent));
  const absl::StatusOr<v1::Agent> agent = client.Call(&v1::AgentService::Stub::GetAgent, request);
  if (!agent.ok() || agent->state() == v1::ONLINE) return;
  const std::string seen =
      agent->has_last_seen_time()
          ? absl::StrCat("was last heard of ", FormatRelative(ToAbsl(agent->last_seen_time()), session.now()))
          : "was never heard of";
  session.Say(absl::StrCat("agent ", id->agent, " ", seen, "; run ", ShortName(run.name()), " starts when it is back"));
}

void ShowRuns(Session& session, const std::vector<v1::Run>& runs) {
  if (runs.size() == 1 && !session.output().for_people()) {
    session.output().Single(runs[0], nullptr);
  } else {
    session.output().List("runs", Pointers(runs), [&] { return RunTable(runs, session.now()); });
  }
}

// People want to see what was made; programs get the runs, which name it.
absl::Status ShowBackups(Session& session, Client& client, const std::vector<v1::Run>& runs) {
  if (!session.output().for_people()) {
    ShowRuns(session, runs);
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
  ShowRuns(session, runs);
  if (session.output().for_people())
    session.Say(absl::StrCat("follow it with: backupctl run watch ", ShortName(runs[0].name())));
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
    absl::StatusOr<v1::Run> run = AskFor(session, *client, wanted);
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
  ASSIGN_OR_RETURN(v1::Run run, AskFor(session, *client, wanted));
  return ShowOrFollow(session, *client, {std::move(run)}, wait);
}

}  // namespace backup::ctl
