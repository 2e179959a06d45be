// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/history_rows.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/proto_json.h"
#include "base/random.h"
#include "base/resource_name.h"
#include "base/status_macros.h"

namespace backup::bench {
namespace {

constexpr absl::Duration kLogsKept = absl::Hours(2);
constexpr int kLogLines = 10;

// Stands for what differs from run to run; in the JSON of a message, which is made once.
constexpr char kBackupId[] = "@backup";
constexpr char kRunId[] = "@run";
constexpr char kStart[] = "2001-01-01T00:00:01Z";
constexpr char kEnd[] = "2001-01-01T00:00:02Z";
constexpr char kSum[] = "@sum";

google::protobuf::Timestamp TimeOf(const char* text) {
  absl::Time time;
  std::string error;
  absl::ParseTime(absl::RFC3339_full, text, &time, &error);
  return ToProto(time);
}

std::string Rfc3339(absl::Time time) { return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone()); }

bool HasBackup(const BenchRun& run) { return run.kind != v1::BACKUP || run.state == v1::SUCCEEDED; }

bool WasStarted(v1::RunState state) {
  return state != v1::MISSED && state != v1::SKIPPED && state != v1::PENDING && state != v1::CANCELLED;
}

std::string RunPattern(v1::RunKind kind, v1::RunState state) {
  v1::Run run;
  if (kind == v1::BACKUP) {
    run.mutable_spec()->mutable_dump()->set_jobs(2);
    *run.mutable_spec()->mutable_dump()->mutable_lock_timeout() = ToProto(absl::Seconds(60));
    run.mutable_spec()->mutable_verify()->set_max_change_percent(50);
    run.mutable_spec()->set_overlap(v1::SKIP);
  } else {
    run.mutable_spec()->set_backup_id(kBackupId);
    run.mutable_spec()->set_manifest_sha256(kSum);
  }
  if (state == v1::SUCCEEDED || kind != v1::BACKUP) run.set_backup(MakeBackupName(kBackupId));
  if (WasStarted(state)) {
    run.set_attempt_id(kRunId);
    *run.mutable_start_time() = TimeOf(kStart);
    v1::Progress& progress = *run.mutable_progress();
    progress.set_phase(v1::PUBLISHING);
    progress.set_plain_bytes(1234567890);
    progress.set_stored_bytes(234567890);
    progress.set_row_count(7654321);
    progress.set_tables_done(42);
    progress.set_table_count(42);
    *progress.mutable_update_time() = TimeOf(kEnd);
  }
  if (state != v1::PENDING && state != v1::RUNNING) *run.mutable_end_time() = TimeOf(kEnd);
  if (state == v1::FAILED || state == v1::LOST) {
    run.mutable_failure()->set_cause(state == v1::LOST ? v1::AGENT_LOST : v1::DUMP_FAILED);
    run.mutable_failure()->set_message("pg_dump ended with exit code 1");
    run.mutable_failure()->add_stderr_lines("pg_dump: error: connection to server was lost");
  }
  if (!WasStarted(state)) run.set_state_reason("the agent agents/db-00049 has not been heard of");
  return ToJson(run);
}

std::string BackupPattern() {
  v1::Backup backup;
  backup.set_run(MakeRunName(kRunId));
  backup.set_verification_level(v1::CONTENT);
  *backup.mutable_verify_time() = TimeOf(kEnd);
  *backup.mutable_slot_time() = TimeOf(kStart);
  backup.set_plain_bytes(1234567890);
  backup.set_row_count(7654321);
  backup.set_table_count(42);
  backup.set_path("/backups/db/orders/" + std::string(kBackupId));
  backup.set_manifest_sha256(kSum);
  return ToJson(backup);
}

std::string ManifestPattern() {
  v1::Manifest manifest;
  manifest.set_format_version(1);
  manifest.set_backup_id(kBackupId);
  manifest.set_run(MakeRunName(kRunId));
  manifest.set_pg_dump_version("15.14");
  *manifest.mutable_snapshot_time() = TimeOf(kStart);
  *manifest.mutable_end_time() = TimeOf(kEnd);
  v1::ArtifactFile& file = *manifest.add_files();
  file.set_name("dump.sql.gz");
  file.set_codec(v1::GZIP);
  file.set_stored_bytes(234567890);
  file.set_plain_bytes(1234567890);
  file.set_stored_sha256(kSum);
  file.set_plain_sha256(kSum);
  for (const char* name : {"accounts", "events", "notes"}) {
    v1::TableFacts& table = *manifest.add_tables();
    table.set_schema("public");
    table.set_name(name);
    table.set_row_count(2345678);
    table.set_plain_bytes(345678901);
    table.set_content_hash("0123456789abcdef0123456789abcdef");
  }
  return ToJson(manifest);
}

// Half a minute to ten minutes of work.
absl::Time EndOf(const BenchRun& run) { return run.slot + absl::Seconds(30 + run.id % 570); }

std::string Filled(const std::string& pattern, const BenchRun& run, const std::string& backup_id) {
  const std::string sum = absl::StrCat(absl::Hex(run.id, absl::kZeroPad16), absl::Hex(~run.id, absl::kZeroPad16));
  return absl::StrReplaceAll(pattern, {{kBackupId, backup_id},
                                       {kRunId, IdText(run.id)},
                                       {kStart, Rfc3339(run.slot + absl::Seconds(5))},
                                       {kEnd, Rfc3339(EndOf(run))},
                                       {kSum, sum + sum}});
}

// Most backups of more than a month ago are gone; a few are doubtful.
v1::BackupState BackupStateOf(const BenchRun& run, absl::Time now) {
  if (now - run.slot > absl::Hours(24 * 30) && run.id % 20 != 0) return v1::DELETED;
  switch (run.id % 5000) {
    case 1:
      return v1::SUSPICIOUS;
    case 2:
      return v1::BAD;
    case 3:
      return v1::DELETING;
    default:
      return v1::GOOD;
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<HistoryRows>> HistoryRows::Open(const std::string& conninfo, const BenchFleet& fleet) {
  std::unique_ptr<HistoryRows> rows(new HistoryRows(fleet));
  ASSIGN_OR_RETURN(rows->runs_,
                   CopyWriter::Open(conninfo,
                                    "runs (sequence, name, kind, database, agent, policy, state, manual, delivered, "
                                    "epoch, slot_time, not_before_time, start_deadline_time, lease_end_time, "
                                    "create_time, data)"));
  ASSIGN_OR_RETURN(rows->events_, CopyWriter::Open(conninfo, "events (time, actor, subject, type, message)"));
  ASSIGN_OR_RETURN(rows->backups_,
                   CopyWriter::Open(conninfo,
                                    "backups (sequence, name, database, agent, policy, state, snapshot_time, "
                                    "create_time, size_bytes, data)"));
  ASSIGN_OR_RETURN(rows->manifests_, CopyWriter::Open(conninfo, "backup_manifests (backup, data)"));
  ASSIGN_OR_RETURN(rows->log_lines_, CopyWriter::Open(conninfo, "run_log_lines (run, line_offset, time, text)"));
  return rows;
}

void HistoryRows::Add(const BenchRun& run) {
  const std::string backup_id = MakeBackupId(run.slot + absl::Seconds(5), IdText(run.id));
  AddRun(run, backup_id);
  AddEvents(run);
  if (fleet_.Now() - run.slot < kLogsKept && WasStarted(run.state)) AddLog(run);
  if (run.in_backups) AddBackup(run, backup_id);
}

void HistoryRows::AddRun(const BenchRun& run, const std::string& backup_id) {
  static const auto& patterns = *new std::vector<std::vector<std::string>>([] {
    std::vector<std::vector<std::string>> all(v1::RunKind_ARRAYSIZE);
    for (int kind = v1::BACKUP; kind < v1::RunKind_ARRAYSIZE; ++kind) {
      for (int state = 0; state < v1::RunState_ARRAYSIZE; ++state) {
        all[kind].push_back(RunPattern(static_cast<v1::RunKind>(kind), static_cast<v1::RunState>(state)));
      }
    }
    return all;
  }());
  const absl::Time not_before = run.manual ? run.slot : run.slot + absl::Seconds(run.id % 600);
  runs_->Int(++run_sequence_).Text(MakeRunName(IdText(run.id))).Text(v1::RunKind_Name(run.kind));
  runs_->Text(run.database->name).Text(run.database->agent).Text(run.policy).Text(v1::RunState_Name(run.state));
  runs_->Bool(run.manual).Bool(run.state != v1::MISSED).Int(1).Time(run.slot).Time(not_before);
  runs_->Time(run.slot + absl::Hours(6));
  run.state == v1::RUNNING ? runs_->Time(fleet_.Now() + absl::Minutes(1)) : runs_->Null();
  runs_->Time(run.manual ? run.slot : run.slot - absl::Hours(25));
  runs_->Text(Filled(patterns[run.kind][run.state], run, HasBackup(run) ? backup_id : "")).EndRow();
}

void HistoryRows::AddBackup(const BenchRun& run, const std::string& backup_id) {
  static const std::string& backup_pattern = *new std::string(BackupPattern());
  static const std::string& manifest_pattern = *new std::string(ManifestPattern());
  const v1::BackupState state = BackupStateOf(run, fleet_.Now());
  const absl::Time snapshot = run.slot + absl::Seconds(6);
  backups_->Int(++backup_sequence_).Text(MakeBackupName(backup_id)).Text(run.database->name);
  backups_->Text(run.database->agent).Text(run.policy).Text(v1::BackupState_Name(state)).Time(snapshot);
  backups_->Time(EndOf(run)).Int(200000000 + static_cast<int64_t>(run.id % 90000000));
  backups_->Text(Filled(backup_pattern, run, backup_id)).EndRow();
  manifests_->Int(backup_sequence_).Text(Filled(manifest_pattern, run, backup_id)).EndRow();
}

void HistoryRows::AddEvents(const BenchRun& run) {
  const std::string name = MakeRunName(IdText(run.id));
  if (WasStarted(run.state)) {
    events_->Time(run.slot + absl::Seconds(5)).Text(run.database->agent).Text(name).Text("RUN_RUNNING");
    events_->Text("started").EndRow();
  }
  events_->Time(EndOf(run)).Text("controller").Text(name).Text(absl::StrCat("RUN_", v1::RunState_Name(run.state)));
  events_->Text("made-up history").EndRow();
}

void HistoryRows::AddLog(const BenchRun& run) {
  for (int i = 0; i < kLogLines; ++i) {
    log_lines_->Int(run_sequence_).Int(i).Time(run.slot + absl::Seconds(i)).Text("dumped public.accounts").EndRow();
  }
}

absl::Status HistoryRows::Finish() {
  for (CopyWriter* writer : {runs_.get(), events_.get(), backups_.get(), manifests_.get(), log_lines_.get()}) {
    RETURN_IF_ERROR(writer->Finish());
  }
  return absl::OkStatus();
}

}  // namespace backup::bench
