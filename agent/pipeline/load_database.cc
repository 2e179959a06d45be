// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/load_database.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "agent/pipeline/dump_facts.h"
#include "agent/pipeline/dump_statements.h"
#include "agent/pipeline/job_failure.h"
#include "agent/pipeline/pg_session.h"
#include "agent/pipeline/restore_failure.h"
#include "agent/pipeline/restore_workers.h"
#include "agent/pipeline/table_relocation.h"
#include "agent/pipeline/table_rows.h"
#include "agent/pipeline/text_name.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace backup::agent {
namespace {

constexpr absl::Duration kConnectTimeout = absl::Seconds(30);
// What comes before the data is stored in groups of this many statements: each alone would wait for the disk, and all
// together could hold more locks than the server has room for.
constexpr int kStatementsPerTransaction = 100;
// A row costs the server as much as about so many bytes, to store it and to put it into indexes: measured, not exact.
constexpr int64_t kBytesOfARow = 256;

// The error with the beginning of the statement that it is about.
absl::Status AboutStatement(const absl::Status& status, absl::string_view statement) {
  return Annotate(status, absl::StrCat("restoring \"", CleanText(statement.substr(0, 120), 120), "\""));
}

class DatabaseLoader {
 public:
  DatabaseLoader(const v1::Manifest& manifest, const StoredText& text, const Conninfo& conninfo,
                 const LoadOptions& options, Cancellation& cancellation, ProgressMeter& progress)
      : manifest_(manifest),
        text_(text),
        options_(options),
        cancellation_(cancellation),
        progress_(progress),
        workers_(
            options.jobs, cancellation, [&conninfo](Cancellation& stop) { return ConnectForRestore(conninfo, stop); },
            [this](PgSession& session, const std::string& copy, size_t table) {
              return LoadRows(session, copy, table);
            }),
        conninfo_(conninfo) {}

  absl::Status Run() {
    for (const v1::TableFacts& table : manifest_.tables()) {
      weights_[{table.schema(), table.name()}] = table.plain_bytes() + kBytesOfARow * table.row_count();
    }
    ASSIGN_OR_RETURN(session_, ConnectForRestore(conninfo_, cancellation_));
    StatementReader reader([this](DumpStatement statement) { return Take(std::move(statement)); });
    int64_t position = 0;
    for (int i = 0; i < manifest_.tables_size(); ++i) {
      const v1::TableFacts& table = manifest_.tables(i);
      copy_.reset();
      RETURN_IF_ERROR(text_.Read(position, table.plain_offset(), cancellation_, reader));
      RETURN_IF_ERROR(CheckCopy(table));
      copies_.push_back(*copy_);
      rows_task_->rows_of = static_cast<size_t>(i);
      rows_tasks_.push_back(*std::exchange(rows_task_, std::nullopt));
      position = table.plain_offset() + table.plain_bytes();
    }
    RETURN_IF_ERROR(text_.Read(position, text_.plain_bytes(), cancellation_, reader));
    RETURN_IF_ERROR(reader.Finish());
    RETURN_IF_ERROR(LoadAllRows());
    RETURN_IF_ERROR(EndTransaction());
    return workers_.Finish();
  }

  LoadedDatabase TakeResult() { return {std::move(copies_), std::move(left_out_)}; }

 private:
  enum class Phase { kBeforeData, kData, kAfterData };

  absl::Status Execute(const std::string& statement) {
    const absl::Status status = session_->Query(statement, absl::InfiniteDuration()).status();
    return AboutMissingRoles(AboutStatement(status, statement), session_->last_sqlstate(), statement,
                             options_.missing_roles);
  }

  absl::Status Take(DumpStatement statement) {
    if (!options_.into_schema.empty()) {
      ASSIGN_OR_RETURN(const Relocation relocation,
                       RelocateStatement(manifest_, options_.choice, options_.into_schema, &statement));
      if (relocation == Relocation::kLeftOut) {
        left_out_.push_back(std::move(statement.text));
      }
      if (relocation != Relocation::kMoved) {
        return absl::OkStatus();
      }
    }
    switch (statement.kind) {
      case RestoreKind::kSetting:
        return Set(statement.text);
      case RestoreKind::kCopy:
        rows_task_ = TaskOf(statement, nullptr);
        rows_task_->weight = WeightOf(statement.table);
        copy_ = std::move(statement.text);
        copied_ = statement.table;
        phase_ = Phase::kData;
        return absl::OkStatus();
      case RestoreKind::kData:
        RETURN_IF_ERROR(EndTransaction());
        phase_ = Phase::kData;
        return Execute(statement.text);
      default:
        break;
    }
    if (phase_ == Phase::kBeforeData) {
      return ExecuteBeforeData(statement.text);
    }
    RETURN_IF_ERROR(LoadAllRows());
    phase_ = Phase::kAfterData;
    // What follows a constraint that was not made cannot be about it.
    left_out_last_ =
        options_.choice.LeavesOut(manifest_, statement) || (left_out_last_ && statement.kind == RestoreKind::kFollower);
    if (left_out_last_) {
      previous_.reset();
      left_out_.push_back(std::move(statement.text));
      return absl::OkStatus();
    }
    std::optional<RestoreTask> task = TaskOf(statement, previous_.has_value() ? &*previous_ : nullptr);
    if (task.has_value()) {
      task->weight = WeightOf(statement.table);
      previous_ = task;
      return workers_.Add(*std::move(task));
    }
    previous_.reset();
    RETURN_IF_ERROR(workers_.Finish());
    return Execute(statement.text);
  }

  // Repeated in each part of a dump; only a change matters, and tasks that wait must not see it.
  absl::Status Set(const std::string& statement) {
    const std::string name = statement.substr(0, statement.find(absl::StartsWith(statement, "SET ") ? ' ' : ',', 4));
    const bool is_left_out = options_.ignore_tablespaces && absl::StartsWith(statement, "SET default_tablespace ");
    if (is_left_out || std::exchange(settings_[name], statement) == statement) {
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(LoadAllRows());
    RETURN_IF_ERROR(workers_.Finish());
    workers_.AddSetting(statement);
    return Execute(statement);
  }

  absl::Status ExecuteBeforeData(const std::string& statement) {
    if (statements_in_transaction_ == 0) {
      RETURN_IF_ERROR(Execute("BEGIN"));
    }
    RETURN_IF_ERROR(Execute(statement));
    return ++statements_in_transaction_ >= kStatementsPerTransaction ? EndTransaction() : absl::OkStatus();
  }

  absl::Status EndTransaction() {
    return std::exchange(statements_in_transaction_, 0) > 0 ? Execute("COMMIT") : absl::OkStatus();
  }

  // 0 for a table without rows of its own.
  int64_t WeightOf(const QualifiedName& table) const {
    const auto weight = weights_.find({NameToUtf8(table.schema), NameToUtf8(table.name)});
    return weight == weights_.end() ? 0 : weight->second;
  }

  absl::Status CheckCopy(const v1::TableFacts& table) const {
    if (copy_.has_value() && NameToUtf8(copied_.schema) == table.schema() && NameToUtf8(copied_.name) == table.name()) {
      return absl::OkStatus();
    }
    return JobError(v1::CORRUPT,
                    absl::StrCat("the dump has no COPY statement where the manifest says that the rows of ",
                                 TableLabel(table), " begin"));
  }

  // Hands out all whose COPY was read by now, the longest first; what needs them waits for them in the workers' order.
  absl::Status LoadAllRows() {
    if (rows_tasks_.empty()) {
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(EndTransaction());
    std::vector<RestoreTask> tasks = std::exchange(rows_tasks_, {});
    std::stable_sort(tasks.begin(), tasks.end(),
                     [](const RestoreTask& a, const RestoreTask& b) { return a.weight > b.weight; });
    for (RestoreTask& task : tasks) {
      if (options_.choice.Has(*task.rows_of)) {
        RETURN_IF_ERROR(workers_.Add(std::move(task)));
      }
    }
    return absl::OkStatus();
  }

  // On a worker's thread.
  absl::Status LoadRows(PgSession& session, const std::string& copy, size_t number) {
    const v1::TableFacts& table = manifest_.tables(static_cast<int>(number));
    std::optional<TableRows> passing;
    const absl::StatusOr<int64_t> rows = session.CopyIn(copy, options_.stall_timeout, [&](ByteSink& sink) {
      if (!options_.choice.is_everything()) {
        passing.emplace(&sink);
      }
      RETURN_IF_ERROR(text_.Read(table.plain_offset(), table.plain_offset() + table.plain_bytes(), cancellation_,
                                 passing.has_value() ? *passing : sink));
      return passing.has_value() ? passing->Compare(table) : absl::OkStatus();
    });
    RETURN_IF_ERROR(Annotate(rows.status(), absl::StrCat("loading table ", TableLabel(table))));
    if (*rows != table.row_count()) {
      return JobError(v1::CORRUPT, absl::StrCat("table ", TableLabel(table), " got ", *rows, " rows, not the ",
                                                table.row_count(), " of the manifest"));
    }
    progress_.Add({table.plain_bytes(), 0, table.row_count(), 1});
    return absl::OkStatus();
  }

  const v1::Manifest& manifest_;
  const StoredText& text_;
  const LoadOptions options_;
  Cancellation& cancellation_;
  ProgressMeter& progress_;
  RestoreWorkers workers_;
  const Conninfo& conninfo_;
  std::unique_ptr<PgSession> session_;
  Phase phase_ = Phase::kBeforeData;
  int statements_in_transaction_ = 0;
  std::map<std::string, std::string> settings_;  // The last statement for each name.
  std::optional<std::string> copy_;              // That was read last.
  QualifiedName copied_;
  std::map<std::pair<std::string, std::string>, int64_t> weights_;  // By schema and name, in UTF-8.
  std::optional<RestoreTask> rows_task_;                            // Of the same.
  std::vector<RestoreTask> rows_tasks_;                             // That the workers were not given yet.
  std::vector<std::string> copies_;                                 // Of all tables so far.
  std::vector<std::string> left_out_;
  bool left_out_last_ = false;  // The last statement after the data.
  std::optional<RestoreTask> previous_;
};

}  // namespace

absl::Status LiftTimeouts(PgSession& session) {
  return session
      .Query(
          "SELECT pg_catalog.set_config(name, '0', false) FROM pg_catalog.pg_settings WHERE name IN"
          " ('statement_timeout', 'lock_timeout', 'idle_session_timeout', 'idle_in_transaction_session_timeout',"
          " 'transaction_timeout')",
          kConnectTimeout)
      .status();
}

absl::StatusOr<std::unique_ptr<PgSession>> ConnectForRestore(const Conninfo& conninfo, Cancellation& cancellation) {
  ASSIGN_OR_RETURN(std::unique_ptr<PgSession> session, PgSession::Connect(conninfo, kConnectTimeout, &cancellation));
  // The last commit, which gives the database its name, waits for the disk, and so for all before it.
  RETURN_IF_ERROR(session->Query("SET synchronous_commit = off", kConnectTimeout).status());
  RETURN_IF_ERROR(LiftTimeouts(*session));
  return session;
}

absl::StatusOr<LoadedDatabase> LoadDatabase(const v1::Manifest& manifest, const StoredText& text,
                                            const Conninfo& conninfo, const LoadOptions& options,
                                            Cancellation& cancellation, ProgressMeter& progress) {
  DatabaseLoader loader(manifest, text, conninfo, options, cancellation, progress);
  RETURN_IF_ERROR(loader.Run());
  return loader.TakeResult();
}

absl::Status CompareTables(const v1::Manifest& manifest, const std::vector<std::string>& copies,
                           const Conninfo& conninfo, const LoadOptions& options, Cancellation& cancellation,
                           ProgressMeter& progress) {
  const auto compare = [&](PgSession& session, const std::string& copy, size_t number) {
    const v1::TableFacts& expected = manifest.tables(static_cast<int>(number));
    TableRows sink;
    RETURN_IF_ERROR(session.CopyOut(copy, options.stall_timeout, sink));
    RETURN_IF_ERROR(sink.Compare(expected));
    progress.Add({expected.plain_bytes(), 0, expected.row_count(), 1});
    return absl::OkStatus();
  };
  RestoreWorkers workers(
      options.jobs, cancellation,
      [&](Cancellation& stop) -> absl::StatusOr<std::unique_ptr<PgSession>> {
        ASSIGN_OR_RETURN(std::unique_ptr<PgSession> session, ConnectForRestore(conninfo, stop));
        // As pg_dump sets them, and the dump's environment, so that equal values have equal text.
        for (const char* setting : {"SET DateStyle = ISO", "SET IntervalStyle = postgres", "SET extra_float_digits = 3",
                                    "SET row_security = off", "SET search_path = ''", "SET TimeZone = 'UTC'"}) {
          RETURN_IF_ERROR(session->Query(setting, kConnectTimeout).status());
        }
        if (!manifest.database().encoding().empty()) {
          RETURN_IF_ERROR(session
                              ->Query("SELECT pg_catalog.set_config('client_encoding', $1, false)", kConnectTimeout,
                                      {manifest.database().encoding()})
                              .status());
        }
        return session;
      },
      compare);
  for (size_t i = 0; i < copies.size(); ++i) {
    if (!options.choice.Has(i)) {
      continue;
    }
    RestoreTask task;
    const absl::string_view copy = copies[i];
    task.statements = {
        absl::StrCat(copy.substr(0, copy.size() - std::min(copy.size(), sizeof("FROM stdin") - 1)), "TO stdout")};
    task.rows_of = i;
    RETURN_IF_ERROR(workers.Add(std::move(task)));
  }
  return workers.Finish();
}

}  // namespace backup::agent
