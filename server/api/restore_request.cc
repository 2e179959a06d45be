// SPDX-License-Identifier: Apache-2.0
#include "server/api/restore_request.h"

#include <algorithm>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "server/api/api_errors.h"
#include "server/api/backup_to_read.h"
#include "server/domain/planning.h"
#include "server/domain/run_state.h"

namespace backup::server {
namespace {

constexpr int kMaxJobs = 64;
constexpr int kMaxTables = 10'000;
constexpr size_t kMaxNameBytes = 63;  // NAMEDATALEN - 1 (PostgreSQL manual, 4.1.1).
constexpr size_t kMaxTableNameBytes = 1'024;

bool HasTooLong(const google::protobuf::RepeatedPtrField<std::string>& names) {
  return std::any_of(names.begin(), names.end(),
                     [](const std::string& name) { return name.empty() || name.size() > kMaxTableNameBytes; });
}

absl::Status CheckRestore(const v1::RestoreRunSpec& restore) {
  if (restore.database().empty() || restore.database().size() > kMaxNameBytes) {
    return InvalidField("run.spec.restore.database",
                        absl::StrCat("the database has no name of 1 to ", kMaxNameBytes, " bytes"));
  }
  if (restore.into_schema().size() > kMaxNameBytes || absl::StartsWith(restore.into_schema(), "pg_")) {
    return InvalidField("run.spec.restore.into_schema",
                        absl::StrCat("it has more than ", kMaxNameBytes,
                                     " bytes, or begins with \"pg_\", which PostgreSQL keeps for itself"));
  }
  if (!restore.into_schema().empty() && restore.create_roles()) {
    return InvalidField("run.spec.restore.create_roles",
                        "no role is needed in a schema: what is restored belongs to the schema's owner");
  }
  if (restore.jobs() < 0 || restore.jobs() > kMaxJobs) {
    return InvalidField("run.spec.restore.jobs", absl::StrCat("it is not between 1 and ", kMaxJobs));
  }
  if (restore.tables_size() + restore.schemas_size() > kMaxTables || HasTooLong(restore.tables()) ||
      HasTooLong(restore.schemas())) {
    return InvalidField("run.spec.restore.tables", "they are too many, or a name is empty or too long");
  }
  return absl::OkStatus();
}

// Better said now than by the agent later.
absl::Status CheckTarget(const ApiContext& api, const v1::Backup& backup, const std::string& target) {
  v1::Run run;
  run.set_database(backup.database());
  ASSIGN_OR_RETURN(const v1::Agent agent, api.store.GetAgent(AgentOf(run)));
  const auto& targets = agent.restore_targets();
  if (std::find(targets.begin(), targets.end(), target) != targets.end()) {
    return absl::OkStatus();
  }
  return MakeError(absl::StatusCode::kFailedPrecondition, "RESTORE_TARGET_UNKNOWN",
                   absl::StrCat(agent.name(), " names no restore target \"", CleanText(target, 100), "\""),
                   targets.empty()
                       ? "list a server under restoreTargets in the agent's configuration file, and restart the agent"
                       : absl::StrCat("it has: ", absl::StrJoin(targets, ", ")),
                   {{"agent", agent.name()}});
}

}  // namespace

absl::StatusOr<v1::Run> MakeRestoreRun(const ApiContext& api, const v1::Run& wanted, absl::Time now) {
  RETURN_IF_ERROR(CheckRestore(wanted.spec().restore()));
  ASSIGN_OR_RETURN(const v1::Backup backup, ReadBackupToRestore(api, wanted));
  RETURN_IF_ERROR(CheckTarget(api, backup, wanted.spec().restore().target()));
  return ManualRestoreRun(backup, wanted.spec().restore(), now, api.random);
}

}  // namespace backup::server
