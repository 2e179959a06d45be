// SPDX-License-Identifier: Apache-2.0
#include "agent/desired_run_check.h"

#include <algorithm>

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

}  // namespace

bool IsNamedRun(const v1::DesiredRun& run) { return AttemptFileName(KeyOf(run)).ok(); }

absl::StatusOr<const DatabaseConfig*> CheckDesiredRun(const v1::DesiredRun& run, absl::string_view agent_id,
                                                      const std::vector<DatabaseConfig>& databases) {
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
  if (run.kind() == v1::BACKUP) {
    RETURN_IF_ERROR(CheckSpec(run.spec()));
  } else if (run.kind() != v1::VERIFY) {
    return Refused(absl::StrCat("a run of kind ", static_cast<int>(run.kind())));
  } else if (!IsValidBackupId(run.spec().backup_id())) {
    return Refused("to verify a backup without a valid id");
  }
  return &*it;
}

}  // namespace backup::agent
