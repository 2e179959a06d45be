// SPDX-License-Identifier: Apache-2.0
#include "agent/desired_run_check.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "agent/attempt_key.h"
#include "agent/pipeline/job_failure.h"
#include "base/proto_json.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace backup::agent {
namespace {

constexpr int kMaxJobs = 64;
constexpr absl::Duration kMaxTimeout = absl::Hours(7 * 24);
constexpr int kMaxKeyTables = 10'000;
constexpr size_t kMaxKeyTableBytes = 1'024;
constexpr size_t kMaxDatabaseNameBytes = 63;
constexpr int kMaxAssertions = 1'000;
constexpr size_t kMaxAssertionBytes = 4'096;

absl::Status Refused(absl::string_view what) {
  return JobError(v1::INTERNAL, absl::StrCat("the controller asked for what this agent does not do: ", what),
                  "bring agent and controller to the same version");
}

absl::Status CheckTimeout(absl::string_view name, bool present, const google::protobuf::Duration& duration) {
  const absl::Duration value = present ? ToAbsl(duration) : absl::ZeroDuration();
  return value < absl::ZeroDuration() || value > kMaxTimeout ? Refused(absl::StrCat(name, " out of range"))
                                                             : absl::OkStatus();
}

absl::Status CheckSpec(const v1::RunSpec& spec) {
  const v1::DumpSpec& dump = spec.dump();
  if (dump.jobs() < 0 || dump.jobs() > kMaxJobs) {
    return Refused(absl::StrCat(dump.jobs(), " dump processes"));
  }
  if (dump.threads() < 0 || dump.threads() > kMaxJobs || dump.max_bytes_per_second() < 0) {
    return Refused("threads or a rate out of range");
  }
  if (!v1::Codec_IsValid(dump.compression())) {
    return Refused(absl::StrCat("codec ", static_cast<int>(dump.compression())));
  }
  RETURN_IF_ERROR(CheckTimeout("lock timeout", dump.has_lock_timeout(), dump.lock_timeout()));
  RETURN_IF_ERROR(CheckTimeout("stall timeout", dump.has_stall_timeout(), dump.stall_timeout()));
  RETURN_IF_ERROR(CheckTimeout("timeout", dump.has_timeout(), dump.timeout()));
  if (spec.verify().min_bytes() < 0) {
    return Refused("a negative least size");
  }
  const auto& tables = spec.verify().key_tables();
  if (tables.size() > kMaxKeyTables || std::any_of(tables.begin(), tables.end(), [](const std::string& table) {
        return table.size() > kMaxKeyTableBytes;
      })) {
    return Refused("too many or too long key tables");
  }
  return absl::OkStatus();
}

absl::Status CheckDrillSpec(const v1::DrillRunSpec& drill) {
  if (drill.jobs() < 0 || drill.jobs() > kMaxJobs) {
    return Refused(absl::StrCat(drill.jobs(), " sessions"));
  }
  const auto& assertions = drill.assertions();
  if (assertions.size() > kMaxAssertions ||
      std::any_of(assertions.begin(), assertions.end(),
                  [](const std::string& assertion) { return assertion.size() > kMaxAssertionBytes; })) {
    return Refused("too many or too long assertions");
  }
  return absl::OkStatus();
}

absl::Status CheckRestoreSpec(const v1::RestoreRunSpec& restore, const std::vector<RestoreTargetConfig>& targets) {
  if (std::none_of(targets.begin(), targets.end(),
                   [&](const RestoreTargetConfig& target) { return target.name == restore.target(); })) {
    return JobError(
        v1::RESTORE_REFUSED,
        absl::StrCat("the agent's configuration has no restore target \"", CleanText(restore.target(), 100), "\""),
        "add it to restoreTargets in the agent's configuration file and restart the agent");
  }
  if (restore.database().empty() || restore.database().size() > kMaxDatabaseNameBytes ||
      restore.database().find('\0') != std::string::npos) {
    return Refused("a database without a name of 1 to 63 bytes");
  }
  if (restore.into_schema().size() > kMaxDatabaseNameBytes || absl::StrContains(restore.into_schema(), '\0')) {
    return Refused("a schema with a name of more than 63 bytes");
  }
  if (restore.jobs() < 0 || restore.jobs() > kMaxJobs) {
    return Refused(absl::StrCat(restore.jobs(), " sessions"));
  }
  if (restore.tables_size() + restore.schemas_size() > kMaxKeyTables) {
    return Refused("too many tables");
  }
  return absl::OkStatus();
}

// What the run reads; only its name is the controller's to give, the place is the agent's own.
absl::Status CheckBackupId(const v1::DesiredRun& run) {
  return IsValidBackupId(run.spec().backup_id())
             ? absl::OkStatus()
             : Refused(absl::StrCat("a ", v1::RunKind_Name(run.kind()), " of a backup without a valid id"));
}

}  // namespace

bool IsNamedRun(const v1::DesiredRun& run) { return AttemptFileName(KeyOf(run)).ok(); }

absl::StatusOr<const DatabaseConfig*> CheckDesiredRun(const v1::DesiredRun& run, absl::string_view agent_id,
                                                      const std::vector<DatabaseConfig>& databases,
                                                      const std::vector<RestoreTargetConfig>& targets) {
  const absl::StatusOr<DatabaseId> id = ParseDatabaseName(run.database());
  auto it = databases.end();
  if (id.ok() && id->agent == std::string(agent_id)) {
    it = std::find_if(databases.begin(), databases.end(),
                      [&](const DatabaseConfig& database) { return database.id == id->database; });
  }
  if (it == databases.end()) {
    return JobError(
        v1::WRONG_DATABASE,
        absl::StrCat("database \"", CleanText(run.database(), 300), "\" is not in the agent's configuration"),
        "add it to the agent's configuration file and restart the agent, or change the policy's databases");
  }
  if (!run.policy().empty() && !ParsePolicyName(run.policy()).ok()) {
    return Refused("a policy without a valid name");
  }
  switch (run.kind()) {
    case v1::BACKUP:
      RETURN_IF_ERROR(CheckSpec(run.spec()));
      break;
    case v1::VERIFY:
    case v1::DELETE:
      RETURN_IF_ERROR(CheckBackupId(run));
      break;
    case v1::DRILL:
      RETURN_IF_ERROR(CheckBackupId(run));
      RETURN_IF_ERROR(CheckDrillSpec(run.spec().drill()));
      break;
    case v1::RESTORE:
      RETURN_IF_ERROR(CheckBackupId(run));
      RETURN_IF_ERROR(CheckRestoreSpec(run.spec().restore(), targets));
      break;
    default:
      return Refused(absl::StrCat("a run of kind ", static_cast<int>(run.kind())));
  }
  return &*it;
}

}  // namespace backup::agent
