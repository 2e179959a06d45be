// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/new_object.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/pipeline/job_failure.h"
#include "agent/pipeline/restore_target.h"
#include "agent/pipeline/sql_name.h"
#include "base/status_macros.h"

namespace backup::agent {
namespace {

constexpr absl::Duration kCommandTimeout = absl::Seconds(30);
constexpr absl::Duration kDropTimeout = absl::Minutes(1);
constexpr absl::Duration kCommitTimeout = absl::Minutes(10);
constexpr char kDuplicateDatabase[] = "42P04";

}  // namespace

NewDatabase::NewDatabase(PgSession& session, std::string temporary)
    : session_(session), temporary_(std::move(temporary)) {}

NewDatabase::~NewDatabase() {
  if (made_) {
    // Its name says what it is.
    session_.Query(absl::StrCat("DROP DATABASE IF EXISTS ", QuoteName(temporary_)), kDropTimeout)
        .status()
        .IgnoreError();
  }
}

absl::Status NewDatabase::CreateLike(const v1::DatabaseIdentity& original, const v1::DatabaseProperties& properties) {
  RETURN_IF_ERROR(CheckNoDatabaseIsLeft(session_, temporary_));
  RETURN_IF_ERROR(CreateDatabaseLike(session_, temporary_, original, properties));
  made_ = true;
  return absl::OkStatus();
}

absl::Status NewDatabase::Execute(const std::string& sql) { return session_.Query(sql, kCommandTimeout).status(); }

absl::Status NewDatabase::KeepAs(const std::string& name, const v1::DatabaseProperties& properties,
                                 std::vector<std::string>* left_out) {
  RETURN_IF_ERROR(CheckDatabaseNameIsFree(session_, name));
  RETURN_IF_ERROR(Execute("BEGIN"));
  if (const absl::Status done = RenameAndGive(name, properties, left_out); !done.ok()) {
    Execute("ROLLBACK").IgnoreError();  // What went wrong before says more.
    return done;
  }
  // It may wait for a standby.
  RETURN_IF_ERROR(session_.Query("COMMIT", kCommitTimeout).status());
  made_ = false;
  return absl::OkStatus();
}

absl::Status NewDatabase::RenameAndGive(const std::string& name, const v1::DatabaseProperties& properties,
                                        std::vector<std::string>* left_out) {
  RETURN_IF_ERROR(MakeCommitDurable(session_));
  const absl::Status renamed =
      Execute(absl::StrCat("ALTER DATABASE ", QuoteName(temporary_), " RENAME TO ", QuoteName(name)));
  if (session_.last_sqlstate() == kDuplicateDatabase) {
    return JobError(v1::RESTORE_REFUSED, renamed.message(), "choose another name for the database");
  }
  RETURN_IF_ERROR(renamed);
  std::vector<std::string> refused;
  for (const PropertyStatement& statement : PropertyStatements(properties, name)) {
    RETURN_IF_ERROR(Execute("SAVEPOINT property"));
    const absl::Status given = Give(statement);
    if (given.ok()) {
      continue;
    }
    if (session_.last_sqlstate().empty()) {
      return given;
    }
    refused.push_back(absl::StrCat("of the database: ", statement.label));
    RETURN_IF_ERROR(Execute("ROLLBACK TO SAVEPOINT property"));
  }
  left_out->insert(left_out->begin(), refused.begin(), refused.end());
  return absl::OkStatus();
}

absl::Status NewDatabase::Give(const PropertyStatement& statement) {
  for (const std::string& library : statement.libraries) {
    RETURN_IF_ERROR(Execute(absl::StrCat("LOAD ", QuoteText(library))));
  }
  return Execute(statement.sql);
}

NewSchema::NewSchema(PgSession& session, std::string temporary) : session_(session), temporary_(std::move(temporary)) {}

NewSchema::~NewSchema() {
  if (made_) {
    session_.Query(absl::StrCat("DROP SCHEMA IF EXISTS ", QuoteName(temporary_), " CASCADE"), kDropTimeout)
        .status()
        .IgnoreError();
  }
}

absl::Status NewSchema::Create() {
  RETURN_IF_ERROR(CheckNoSchemaIsLeft(session_, temporary_));
  RETURN_IF_ERROR(session_.Query(absl::StrCat("CREATE SCHEMA ", QuoteName(temporary_)), kCommandTimeout).status());
  made_ = true;
  return MakeSchemaPrivate(session_, temporary_);
}

absl::Status NewSchema::KeepAs(const std::string& name) {
  RETURN_IF_ERROR(CheckSchemaNameIsFree(session_, name));
  const std::string rename = absl::StrCat("ALTER SCHEMA ", QuoteName(temporary_), " RENAME TO ", QuoteName(name));
  RETURN_IF_ERROR(session_.Query("BEGIN", kCommandTimeout).status());
  absl::Status renamed = MakeCommitDurable(session_);
  if (renamed.ok()) {
    renamed = session_.Query(rename, kCommandTimeout).status();
  }
  if (!renamed.ok()) {
    session_.Query("ROLLBACK", kCommandTimeout).status().IgnoreError();  // What went wrong before says more.
    return renamed;
  }
  RETURN_IF_ERROR(session_.Query("COMMIT", kCommitTimeout).status());
  made_ = false;
  return absl::OkStatus();
}

}  // namespace backup::agent
