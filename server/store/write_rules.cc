// SPDX-License-Identifier: Apache-2.0
#include "server/store/write_rules.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/proto_json.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "server/store/storable.h"

namespace backup::server {

absl::Status CheckRun(const v1::Run& run) {
  RETURN_IF_ERROR(CheckStorable(run));
  RETURN_IF_ERROR(ParseRunName(run.name()).status());
  RETURN_IF_ERROR(ParseDatabaseName(run.database()).status());
  if (!v1::RunKind_IsValid(run.kind()) || run.kind() == v1::RUN_KIND_UNSPECIFIED) {
    return ValueInvalid("kind", absl::StrCat("of ", run.name(), " is not known: ", run.kind()));
  }
  if (!v1::RunState_IsValid(run.state()) || run.state() == v1::RUN_STATE_UNSPECIFIED) {
    return ValueInvalid("state", absl::StrCat("of ", run.name(), " is not known: ", run.state()));
  }
  return absl::OkStatus();
}

absl::Status CheckBackup(const v1::Backup& backup) {
  RETURN_IF_ERROR(CheckStorable(backup));
  RETURN_IF_ERROR(ParseBackupName(backup.name()).status());
  RETURN_IF_ERROR(ParseDatabaseName(backup.database()).status());
  if (!v1::BackupState_IsValid(backup.state()) || backup.state() == v1::BACKUP_STATE_UNSPECIFIED) {
    return ValueInvalid("state", absl::StrCat("of ", backup.name(), " is not known: ", backup.state()));
  }
  if (backup.size_bytes() < 0 || backup.plain_bytes() < 0 || backup.row_count() < 0) {
    return ValueInvalid("size_bytes", absl::StrCat("of ", backup.name(), " or another size is negative"));
  }
  return absl::OkStatus();
}

absl::Status CheckPolicyChange(absl::string_view name, const PolicyChange& change) {
  RETURN_IF_ERROR(ParsePolicyName(name).status());
  if (change.put_policy.has_value()) {
    RETURN_IF_ERROR(CheckStorable(*change.put_policy));
    if (change.put_policy->name() != std::string(name)) {
      return InvalidField("name", absl::StrCat("the policy to store is not ", name));
    }
  }
  for (const v1::Run& run : change.create_runs) {
    RETURN_IF_ERROR(CheckRun(run));
    if (run.policy() != std::string(name)) return InvalidField("policy", absl::StrCat(run.name(), " is not of ", name));
  }
  for (const v1::Run& run : change.update_runs) RETURN_IF_ERROR(CheckStorable(run));
  for (const v1::Run& run : change.reopen_runs) RETURN_IF_ERROR(CheckRun(run));
  return CheckStorable(change.events);
}

absl::Status CheckRunChange(absl::string_view name, const RunChange& change) {
  RETURN_IF_ERROR(CheckRun(change.run));
  if (change.run.name() != std::string(name)) {
    return InvalidField("name", absl::StrCat("the run to store is not ", name));
  }
  for (const v1::Backup& backup : change.backups) RETURN_IF_ERROR(CheckBackup(backup));
  return CheckStorable(change.events);
}

absl::Status CheckDatabaseBackupsChange(absl::string_view database, const DatabaseBackupsChange& change) {
  for (const v1::Backup& backup : change.backups) {
    RETURN_IF_ERROR(CheckBackup(backup));
    if (absl::string_view(backup.database()) != database) {
      return InvalidField("database", absl::StrCat(backup.name(), " is not of ", database));
    }
  }
  for (const v1::Run& run : change.create_runs) {
    RETURN_IF_ERROR(CheckNewRun(run, "", {}));
    if (absl::string_view(run.database()) != database) {
      return InvalidField("database", absl::StrCat(run.name(), " is not of ", database));
    }
  }
  return CheckStorable(change.events);
}

absl::Status CheckNewRun(const v1::Run& run, absl::string_view request_id, absl::Span<const v1::Event> events) {
  RETURN_IF_ERROR(CheckRun(run));
  RETURN_IF_ERROR(CheckStorableText(request_id, "request_id"));
  if (run.kind() != v1::BACKUP && BackupOfRun(run).empty()) {
    return InvalidField("backup", absl::StrCat("is needed for ", v1::RunKind_Name(run.kind())));
  }
  return CheckStorable(events);
}

absl::Status CheckAgentReport(const AgentReport& report) {
  RETURN_IF_ERROR(CheckStorable(report.agent));
  for (const v1::Database& database : report.databases) {
    RETURN_IF_ERROR(CheckStorable(database));
    if (AgentOfDatabase(database.name()) != report.agent.name()) {
      return InvalidField("databases", absl::StrCat("\"", database.name(), "\" is none of ", report.agent.name()));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::Run> CheckSameRun(const v1::Run& wanted, const v1::Run& existing) {
  if (existing.manual() && existing.kind() == wanted.kind() && existing.database() == wanted.database()) {
    return existing;
  }
  return MakeError(absl::StatusCode::kAlreadyExists, "RUN_ALREADY_EXISTS",
                   absl::StrCat(wanted.name(), " is another run"));
}

bool PlanMayHaveEnded(absl::Time planned_time, absl::Time now) {
  return planned_time > now || planned_time + kPlanningHorizon < now;
}

void RoundTimes(v1::Run* run) {
  for (google::protobuf::Timestamp* time :
       {run->has_slot_time() ? run->mutable_slot_time() : nullptr,
        run->has_not_before_time() ? run->mutable_not_before_time() : nullptr,
        run->has_start_deadline_time() ? run->mutable_start_deadline_time() : nullptr,
        run->has_lease_end_time() ? run->mutable_lease_end_time() : nullptr,
        run->has_create_time() ? run->mutable_create_time() : nullptr}) {
    if (time != nullptr) *time = RoundedTime(*time);
  }
}

void RoundTimes(v1::Backup* backup) {
  if (backup->has_snapshot_time()) *backup->mutable_snapshot_time() = RoundedTime(backup->snapshot_time());
  if (backup->has_create_time()) *backup->mutable_create_time() = RoundedTime(backup->create_time());
}

void CompleteNewRun(absl::Time now, v1::Run* run) {
  if (!run->has_create_time()) *run->mutable_create_time() = ToProto(now);
  if (!run->has_slot_time()) *run->mutable_slot_time() = ToProto(now);
  if (!run->has_not_before_time()) *run->mutable_not_before_time() = run->slot_time();
  RoundTimes(run);
}

void ReplanRun(const v1::Run& update, v1::Run* run) {
  *run->mutable_spec() = update.spec();
  *run->mutable_not_before_time() = update.has_not_before_time() ? update.not_before_time() : run->slot_time();
  run->clear_start_deadline_time();
  if (update.has_start_deadline_time()) *run->mutable_start_deadline_time() = update.start_deadline_time();
  run->set_epoch(update.epoch());
  run->set_delivered(update.delivered());
  run->set_held_back(update.held_back());
  RoundTimes(run);
}

void KeepIdentity(const v1::Run& stored, v1::Run* run) {
  run->set_name(stored.name());
  run->set_kind(stored.kind());
  run->set_database(stored.database());
  run->set_policy(stored.policy());
  *run->mutable_slot_time() = stored.slot_time();
  if (!run->has_not_before_time()) *run->mutable_not_before_time() = stored.slot_time();
  run->set_manual(stored.manual());
  *run->mutable_create_time() = stored.create_time();
  run->set_sequence(stored.sequence());
  RoundTimes(run);
}

void KeepIdentity(const v1::Backup& stored, v1::Backup* backup) {
  backup->set_sequence(stored.sequence());
  backup->clear_create_time();
  if (stored.has_create_time()) *backup->mutable_create_time() = stored.create_time();
  if (!backup->has_manifest() && stored.has_manifest()) *backup->mutable_manifest() = stored.manifest();
}

absl::Status CheckEnrollmentToken(absl::string_view token_sha256, absl::string_view agent) {
  const bool is_hash = token_sha256.size() == 64 && std::all_of(token_sha256.begin(), token_sha256.end(), [](char c) {
                         return absl::ascii_isxdigit(c) && !absl::ascii_isupper(c);
                       });
  if (!is_hash) return ValueInvalid("token_sha256", "is not 64 lower-case hex digits");
  return ParseAgentName(agent).status();
}

void KeepEnrollment(const v1::Agent& reported, v1::Agent* agent) {
  const v1::Agent stored = *agent;
  *agent = reported;
  agent->clear_state();
  agent->clear_enroll_time();
  agent->clear_certificate_expire_time();
  if (agent->has_last_seen_time()) *agent->mutable_last_seen_time() = RoundedTime(agent->last_seen_time());
  TakeEnrollment(stored, agent);
}

void TakeEnrollment(const v1::Agent& enrolled, v1::Agent* agent) {
  if (enrolled.has_enroll_time()) *agent->mutable_enroll_time() = RoundedTime(enrolled.enroll_time());
  if (enrolled.has_certificate_expire_time()) {
    *agent->mutable_certificate_expire_time() = RoundedTime(enrolled.certificate_expire_time());
  }
}

v1::Database ReportedDatabase(v1::Database database) {
  database.clear_policies();
  database.clear_last_good_backup();
  database.clear_last_good_time();
  database.clear_next_slot_time();
  return database;
}

bool SameLabels(const v1::Database& a, const v1::Database& b) {
  return a.labels().size() == b.labels().size() &&
         std::all_of(a.labels().begin(), a.labels().end(), [&b](const auto& label) {
           const auto it = b.labels().find(label.first);
           return it != b.labels().end() && it->second == label.second;
         });
}

std::string AgentOfDatabase(absl::string_view database) {
  const absl::StatusOr<DatabaseId> id = ParseDatabaseName(database);
  return id.ok() ? MakeAgentName(id->agent) : "";
}

std::string BackupOfRun(const v1::Run& run) {
  if (!run.backup().empty() || run.spec().backup_id().empty()) return run.backup();
  return MakeBackupName(run.spec().backup_id());
}

}  // namespace backup::server
