// SPDX-License-Identifier: Apache-2.0
#include <google/protobuf/util/message_differencer.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "server/domain/deletion.h"
#include "server/store/backup_rows.h"
#include "server/store/event_rows.h"
#include "server/store/policy_rows.h"
#include "server/store/postgres_rep.h"
#include "server/store/row_reader.h"
#include "server/store/run_rows.h"
#include "server/store/write_rules.h"

namespace backup::server {
namespace {

constexpr absl::Duration kRequestIdLife = absl::Hours(24);

// `tail` goes on after FROM runs; its $1 is `parameter`.
absl::StatusOr<std::optional<v1::Run>> ReadRun(pqxx::transaction_base& transaction, absl::string_view tail,
                                               absl::string_view parameter) {
  const pqxx::result rows =
      Exec(transaction, absl::StrCat("SELECT ", kRunColumns, " FROM runs ", tail), SqlParams().Text(parameter));
  if (rows.empty()) return std::optional<v1::Run>();
  ASSIGN_OR_RETURN(v1::Run run, DecodeRun(rows[0]));
  return std::optional<v1::Run>(std::move(run));
}

// What is wrong with a row beside the run must not keep its agent from reporting.
template <typename T>
std::optional<T> OrNothing(absl::StatusOr<std::optional<T>> row) {
  if (row.ok()) return *std::move(row);
  LogInvalidRow(row.status());
  return std::nullopt;
}

absl::StatusOr<std::optional<v1::Policy>> ReadPolicyOf(pqxx::transaction_base& transaction, const v1::Run& run) {
  if (run.policy().empty()) return std::optional<v1::Policy>();
  const pqxx::result rows =
      Exec(transaction, absl::StrCat(kSelectPolicyRules, " WHERE p.name = $1"), SqlParams().Text(run.policy()));
  if (rows.empty()) return std::optional<v1::Policy>();
  ASSIGN_OR_RETURN(v1::Policy policy, DecodePolicy(rows[0]));
  return std::optional<v1::Policy>(std::move(policy));
}

std::optional<v1::Run> ReadOverlapping(pqxx::transaction_base& transaction, const v1::Run& run) {
  const pqxx::result rows =
      Exec(transaction,
           absl::StrCat("SELECT ", kRunColumns,
                        " FROM runs WHERE state = 'RUNNING' AND kind = 'BACKUP' AND policy = $1 AND database = $2 "
                        "AND sequence <> $3 ORDER BY sequence LIMIT 1"),
           SqlParams().Text(run.policy()).Text(run.database()).Int(run.sequence()));
  std::vector<v1::Run> runs = DecodeRows(rows, &DecodeRun);
  return runs.empty() ? std::nullopt : std::optional<v1::Run>(std::move(runs[0]));
}

std::optional<v1::Run> ReadLater(pqxx::transaction_base& transaction, const v1::Run& run) {
  const bool waits = run.state() == v1::SCHEDULED || run.state() == v1::PENDING;
  if (!waits || run.manual() || run.policy().empty()) return std::nullopt;
  std::vector<v1::Run> runs = DecodeRows(
      Exec(
          transaction,
          absl::StrCat("SELECT ", kRunColumns,
                       " FROM runs WHERE policy = $1 AND database = $2 AND kind = $3 AND NOT manual "
                       "AND slot_time > $4 AND state NOT IN ('MISSED', 'SKIPPED', 'CANCELLED') "
                       "ORDER BY slot_time LIMIT 1"),
          SqlParams().Text(run.policy()).Text(run.database()).Text(v1::RunKind_Name(run.kind())).Time(run.slot_time())),
      &DecodeRun);
  return runs.empty() ? std::nullopt : std::optional<v1::Run>(std::move(runs[0]));
}

std::optional<v1::Backup> ReadLastGood(pqxx::transaction_base& transaction, const v1::Run& run) {
  const std::string newest = "WHERE database = $1 AND state = 'GOOD' ORDER BY sequence DESC LIMIT 1";
  // A drill that falls due reads it: then it is locked, so that nobody lets it go before the run is there to be seen.
  const bool is_read = run.kind() == v1::DRILL && run.state() == v1::SCHEDULED;
  if (!is_read) return OrNothing(ReadBackup(transaction, newest, run.database()));
  std::optional<v1::Backup> good = OrNothing(ReadBackup(transaction, newest + " FOR SHARE", run.database()));
  // None, when it ceased to be good while it was waited for: there may be another.
  if (!good.has_value()) good = OrNothing(ReadBackup(transaction, newest + " FOR SHARE", run.database()));
  return good;
}

absl::StatusOr<RunView> LockAndReadView(pqxx::transaction_base& transaction, absl::string_view name) {
  ASSIGN_OR_RETURN(std::optional<v1::Run> run, ReadRun(transaction, "WHERE name = $1 FOR UPDATE", name));
  if (!run.has_value()) return RunNotFound(name);
  RunView view;
  view.run = *std::move(run);
  view.policy = OrNothing(ReadPolicyOf(transaction, view.run));
  view.overlapping = ReadOverlapping(transaction, view.run);
  view.later = ReadLater(transaction, view.run);
  view.last_good = ReadLastGood(transaction, view.run);
  // Locked, so that what is decided from it is still true when it is written: somebody may begin to delete it.
  if (const std::string backup = BackupOfRun(view.run); !backup.empty()) {
    view.backup = OrNothing(ReadBackup(transaction, "WHERE name = $1 FOR UPDATE", backup));
  }
  return view;
}

// The run of this request id when it is known; else keeps the id for `run`.
absl::StatusOr<std::optional<v1::Run>> FindOrKeepRequest(pqxx::transaction_base& transaction,
                                                         absl::string_view request_id, const v1::Run& run,
                                                         absl::Time now) {
  Exec(transaction, "DELETE FROM run_requests WHERE create_time <= $1", SqlParams().Time(now - kRequestIdLife));
  // Waits for another transaction that is about to keep the same id.
  const pqxx::result kept = Exec(transaction, "INSERT INTO run_requests VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                                 SqlParams().Text(request_id).Text(run.name()).Time(now));
  if (kept.affected_rows() == 1) return std::optional<v1::Run>();
  return ReadRun(transaction, "WHERE name = (SELECT run FROM run_requests WHERE request_id = $1)", request_id);
}

absl::Status CheckReferences(pqxx::transaction_base& transaction, const v1::Run& run) {
  const pqxx::result database =
      Exec(transaction, "SELECT gone FROM databases WHERE name = $1", SqlParams().Text(run.database()));
  if (database.empty() || (database[0][0].as<bool>() && run.kind() == v1::BACKUP)) {
    return DatabaseNotFound(run.database());
  }
  const std::string backup = BackupOfRun(run);
  if (backup.empty()) return absl::OkStatus();
  // Locked, so that nobody begins to delete it before the run is there to be seen.
  const pqxx::result rows =
      Exec(transaction, absl::StrCat("SELECT ", kBackupColumns, " FROM backups WHERE name = $1 FOR SHARE"),
           SqlParams().Text(backup));
  if (rows.empty()) return BackupNotFound(backup);
  ASSIGN_OR_RETURN(const v1::Backup stored, DecodeBackup(rows[0]));
  return CheckNotDeleted(stored);
}

}  // namespace

absl::StatusOr<v1::Run> PostgresStore::GetRun(absl::string_view name) {
  if (!ParseRunName(name).ok()) return RunNotFound(name);
  return rep_->executor.Read([&](pqxx::transaction_base& transaction) -> absl::StatusOr<v1::Run> {
    ASSIGN_OR_RETURN(std::optional<v1::Run> run, ReadRun(transaction, "WHERE name = $1", name));
    if (!run.has_value()) return RunNotFound(name);
    return *std::move(run);
  });
}

absl::StatusOr<v1::Run> PostgresStore::CreateRun(const v1::Run& run, absl::string_view request_id, absl::Time now,
                                                 absl::Span<const v1::Event> events) {
  RETURN_IF_ERROR(CheckNewRun(run, request_id, events));
  return rep_->executor.Write([&](pqxx::transaction_base& transaction) -> absl::StatusOr<v1::Run> {
    if (!request_id.empty()) {
      ASSIGN_OR_RETURN(std::optional<v1::Run> known, FindOrKeepRequest(transaction, request_id, run, now));
      if (known.has_value()) return *std::move(known);
    }
    RETURN_IF_ERROR(CheckReferences(transaction, run));
    v1::Run created = run;
    created.set_manual(true);
    CompleteNewRun(now, &created);
    const bool inserted = InsertRuns(transaction, {created}) == 1;
    ASSIGN_OR_RETURN(std::optional<v1::Run> stored, ReadRun(transaction, "WHERE name = $1", run.name()));
    if (!stored.has_value()) return RunNotFound(run.name());
    if (!inserted) return CheckSameRun(run, *stored);
    InsertEvents(transaction, events);
    return *std::move(stored);
  });
}

absl::StatusOr<v1::Run> PostgresStore::ChangeRun(absl::string_view name, const RunDecision& decide) {
  if (!ParseRunName(name).ok()) return RunNotFound(name);
  return rep_->executor.Write([&](pqxx::transaction_base& transaction) -> absl::StatusOr<v1::Run> {
    ASSIGN_OR_RETURN(const RunView view, LockAndReadView(transaction, name));
    ASSIGN_OR_RETURN(const RunChange change, decide(view));
    RETURN_IF_ERROR(CheckRunChange(name, change));
    v1::Run run = change.run;
    KeepIdentity(view.run, &run);
    // Repeated reports change nothing: no need to write a row again.
    if (!google::protobuf::util::MessageDifferencer::Equals(run, view.run)) UpdateRuns(transaction, {run});
    for (const v1::Backup& backup : change.backups) PutBackup(transaction, backup);
    InsertEvents(transaction, change.events);
    return run;
  });
}

}  // namespace backup::server
