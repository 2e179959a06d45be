// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/new_object.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/pipeline/restore_target.h"
#include "agent/pipeline/sql_name.h"
#include "base/status_macros.h"

namespace backup::agent {
namespace {

constexpr absl::Duration kCommandTimeout = absl::Seconds(30);
constexpr absl::Duration kDropTimeout = absl::Minutes(1);

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

absl::Status NewDatabase::CreateLike(const v1::DatabaseIdentity& original) {
  RETURN_IF_ERROR(CheckNoDatabaseIsLeft(session_, temporary_));
  RETURN_IF_ERROR(CreateDatabaseLike(session_, temporary_, original));
  made_ = true;
  return absl::OkStatus();
}

absl::Status NewDatabase::KeepAs(const std::string& name) {
  RETURN_IF_ERROR(RenameDatabase(session_, temporary_, name));
  made_ = false;
  return absl::OkStatus();
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
  RETURN_IF_ERROR(
      session_
          .Query(absl::StrCat("ALTER SCHEMA ", QuoteName(temporary_), " RENAME TO ", QuoteName(name)), kCommandTimeout)
          .status());
  made_ = false;
  return absl::OkStatus();
}

}  // namespace backup::agent
