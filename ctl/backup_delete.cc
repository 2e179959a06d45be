// SPDX-License-Identifier: Apache-2.0
#include "ctl/backup_delete.h"

#include "base/status_macros.h"
#include "ctl/confirm.h"
#include "ctl/follow_run.h"
#include "ctl/run_request.h"
#include "ctl/short_name.h"

namespace backup::ctl {

absl::StatusOr<ExitCode> DeleteBackup(Session& session, const BackupDeleteFlags& flags) {
  v1::DeleteBackupRequest request;
  request.set_name(FullName("backups", flags.backup));
  request.set_reason(flags.reason);
  RETURN_IF_ERROR(Confirm(session, "delete backup", ShortName(request.name()), ShortName(flags.confirm)));
  ASSIGN_OR_RETURN(Client * client, session.client());
  ASSIGN_OR_RETURN(v1::Run run, client->Call(&v1::BackupService::Stub::DeleteBackup, request));
  TellIfAgentIsAway(session, *client, run);
  if (!flags.wait) {
    ShowAskedRuns(session, {run});
    return ExitCode::kOk;
  }
  ASSIGN_OR_RETURN(run, FollowRun(session, run.name()));
  ShowAskedRuns(session, {run});
  RETURN_IF_ERROR(OutcomeOf(run));
  return ExitCode::kOk;
}

}  // namespace backup::ctl
