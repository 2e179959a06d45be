// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/pipeline/conninfo.h"
#include "agent/pipeline/job.h"
#include "agent/pipeline/job_failure.h"
#include "agent/pipeline/load_database.h"
#include "agent/pipeline/manifest_file.h"
#include "agent/pipeline/new_object.h"
#include "agent/pipeline/progress_meter.h"
#include "agent/pipeline/restore_failure.h"
#include "agent/pipeline/restore_globals.h"
#include "agent/pipeline/restore_source.h"
#include "agent/pipeline/restore_target.h"
#include "agent/pipeline/stored_text.h"
#include "agent/pipeline/table_choice.h"
#include "agent/pipeline/table_relocation.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace backup::agent {
namespace {

constexpr absl::Duration kCommitTimeout = absl::Minutes(10);

class RestoreJob {
 public:
  RestoreJob(const RestoreRequest& request, Clock& clock, JobObserver& observer, Cancellation& cancellation)
      : request_(request),
        clock_(clock),
        observer_(observer),
        cancellation_(cancellation),
        progress_(observer, clock) {}

  absl::StatusOr<RestoreOutcome> Run() {
    progress_.SetPhase(v1::PREPARING);
    ASSIGN_OR_RETURN(const Conninfo server, Conninfo::Parse(request_.server));
    // A new database or schema is dropped when what goes into it proves to be damaged after all; what is there already
    // is not touched before all of it was decoded.
    const bool is_new = !request_.create_database.empty() || !request_.into_schema.empty();
    const SourceCheck check = is_new ? SourceCheck::kStoredBytes : SourceCheck::kEverything;
    ASSIGN_OR_RETURN(RestoreSource source, OpenRestoreSource(request_, check, clock_, observer_, cancellation_));
    choice_ = std::move(source.choice);
    properties_ = std::move(source.properties);
    outcome_.manifest = std::move(source.manifest);
    outcome_.table_count = source.table_count;
    outcome_.row_count = source.row_count;
    outcome_.plain_bytes = source.plain_bytes;
    observer_.OnLog(absl::StrCat("restoring ", outcome_.table_count, " of ", outcome_.manifest.tables_size(),
                                 " tables with ", request_.jobs, " sessions"));
    progress_.SetEstimate(source.plain_bytes, outcome_.table_count);
    progress_.SetPhase(v1::RESTORING);
    RETURN_IF_ERROR(request_.create_database.empty() ? RestoreInto(server) : RestoreAsNew(server));
    return std::move(outcome_);
  }

 private:
  absl::Status RestoreInto(const Conninfo& server) {
    const Conninfo target = server.WithDatabase(request_.into_database);
    outcome_.database = request_.into_database;
    if (!request_.into_schema.empty()) {
      return RestoreBeside(target);
    }
    {
      ASSIGN_OR_RETURN(const std::unique_ptr<PgSession> session, ConnectForRestore(target, cancellation_));
      RETURN_IF_ERROR(CheckServerCanTake(*session, outcome_.manifest));
      RETURN_IF_ERROR(CheckDatabaseIsEmpty(*session));
      RETURN_IF_ERROR(PrepareRoles(*session));
    }
    RETURN_IF_ERROR(Load(target));
    // Nothing is renamed here whose commit could wait for all before it. A transaction that only has an id would not
    // wait either: it must have written something.
    ASSIGN_OR_RETURN(const std::unique_ptr<PgSession> session, ConnectForRestore(target, cancellation_));
    RETURN_IF_ERROR(session->Query("BEGIN", kCommitTimeout).status());
    RETURN_IF_ERROR(MakeCommitDurable(*session));
    RETURN_IF_ERROR(
        session->Query("SELECT pg_catalog.pg_logical_emit_message(true, 'backupctl', 'restored')", kCommitTimeout)
            .status());
    return session->Query("COMMIT", kCommitTimeout).status();
  }

  absl::Status RestoreBeside(const Conninfo& target) {
    outcome_.schema = request_.into_schema;
    RETURN_IF_ERROR(CheckNamesAreUnique(outcome_.manifest, choice_));
    // Dropping the schema must be possible after a cancellation too.
    ASSIGN_OR_RETURN(const std::unique_ptr<PgSession> session, PgSession::Connect(target, absl::Seconds(30), nullptr));
    RETURN_IF_ERROR(CheckServerVersion(*session, outcome_.manifest));
    RETURN_IF_ERROR(LiftTimeouts(*session));
    RETURN_IF_ERROR(CheckSchemaNameIsFree(*session, request_.into_schema));
    RETURN_IF_ERROR(CheckNothingPublishesNewTables(*session));
    NewSchema schema(*session, TemporaryNameFor(outcome_.manifest));
    RETURN_IF_ERROR(schema.Create());
    RETURN_IF_ERROR(Load(target, schema.temporary()));
    return schema.KeepAs(request_.into_schema);
  }

  absl::Status RestoreAsNew(const Conninfo& server) {
    outcome_.database = request_.create_database;
    // Dropping the database must be possible after a cancellation too.
    ASSIGN_OR_RETURN(const std::unique_ptr<PgSession> session, PgSession::Connect(server, absl::Seconds(30), nullptr));
    RETURN_IF_ERROR(LiftTimeouts(*session));
    // Names and comments of the backup are UTF-8.
    RETURN_IF_ERROR(session->Query("SET client_encoding = 'UTF8'", absl::Seconds(30)).status());
    RETURN_IF_ERROR(CheckServerCanTake(*session, outcome_.manifest));
    RETURN_IF_ERROR(CheckDatabaseNameIsFree(*session, request_.create_database));
    RETURN_IF_ERROR(PrepareRoles(*session));
    NewDatabase database(*session, TemporaryNameFor(outcome_.manifest));
    const v1::DatabaseProperties properties = properties_.value_or(v1::DatabaseProperties());
    RETURN_IF_ERROR(database.CreateLike(outcome_.manifest.database(), properties));
    RETURN_IF_ERROR(Load(server.WithDatabase(database.temporary())));
    if (!properties_.has_value()) {
      outcome_.left_out.insert(outcome_.left_out.begin(),
                               "of the database: owner, privileges and settings; the backup does not have them");
    }
    return database.KeepAs(request_.create_database, properties, &outcome_.left_out);
  }

  absl::Status PrepareRoles(PgSession& session) {
    if (request_.create_roles && FindGlobalsFile(outcome_.manifest) == nullptr) {
      return JobError(v1::RESTORE_REFUSED, "the backup was made without globals, so no roles can be made from it",
                      "make them by hand, then restore without making roles");
    }
    ASSIGN_OR_RETURN(const std::set<std::string> present, ReadRoles(session));
    if (request_.create_roles) {
      observer_.OnLog("making the roles that the server does not have");
      return RestoreGlobals(request_.artifact_directory, outcome_.manifest, present, session, cancellation_);
    }
    for (const std::string& role : outcome_.manifest.roles()) {
      if (!present.contains(role)) {
        missing_roles_.insert(role);
      }
    }
    if (!missing_roles_.empty()) {
      observer_.OnLog(
          absl::StrCat("roles that the server does not have: ", CleanText(absl::StrJoin(missing_roles_, ", "), 500),
                       "; what they own cannot be restored before they are made"));
    }
    return absl::OkStatus();
  }

  absl::Status Load(const Conninfo& target, const std::string& into_schema = "") {
    ASSIGN_OR_RETURN(const StoredText text, StoredText::Open(request_.artifact_directory, outcome_.manifest));
    LoadOptions options;
    options.jobs = request_.jobs;
    options.choice = choice_;
    options.into_schema = into_schema;
    options.ignore_tablespaces = request_.ignore_tablespaces;
    options.missing_roles = missing_roles_;
    const absl::Duration begin = clock_.Monotonic();
    ASSIGN_OR_RETURN(LoadedDatabase loaded,
                     LoadDatabase(outcome_.manifest, text, target, options, cancellation_, progress_));
    outcome_.load_duration = clock_.Monotonic() - begin;
    outcome_.left_out = std::move(loaded.left_out);
    outcome_.contents_compared = request_.prove || !choice_.is_everything();
    if (request_.prove) {
      observer_.OnLog("loaded; comparing every table");
      progress_.SetPhase(v1::COMPARING);
      progress_.Update(0, 0, 0, 0);
      RETURN_IF_ERROR(CompareTables(outcome_.manifest, loaded.copies, target, options, cancellation_, progress_));
    }
    progress_.TellNow();
    return absl::OkStatus();
  }

  const RestoreRequest& request_;
  Clock& clock_;
  JobObserver& observer_;
  Cancellation& cancellation_;
  ProgressMeter progress_;
  TableChoice choice_;
  std::optional<v1::DatabaseProperties> properties_;
  std::set<std::string> missing_roles_;
  RestoreOutcome outcome_;
};

}  // namespace

absl::StatusOr<RestoreOutcome> RunRestore(const RestoreRequest& request, Clock& clock, JobObserver& observer,
                                          Cancellation& cancellation) {
  absl::StatusOr<RestoreOutcome> outcome = RestoreJob(request, clock, observer, cancellation).Run();
  if (!outcome.ok()) {
    return AsRestoreFailure(outcome.status());
  }
  return outcome;
}

}  // namespace backup::agent
