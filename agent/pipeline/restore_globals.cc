// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/restore_globals.h"

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "agent/pipeline/dump_statements.h"
#include "agent/pipeline/manifest_file.h"
#include "agent/pipeline/sql_name.h"
#include "agent/pipeline/stored_directory.h"
#include "agent/pipeline/text_name.h"
#include "agent/pipeline/verify_file.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace backup::agent {
namespace {

constexpr absl::Duration kStatementTimeout = absl::Minutes(1);
constexpr char kDuplicateObject[] = "42710";

bool IsOfTablespace(absl::string_view statement) {
  return absl::StartsWith(statement, "CREATE TABLESPACE ") || absl::StartsWith(statement, "ALTER TABLESPACE ") ||
         absl::StartsWith(statement, "COMMENT ON TABLESPACE ") || absl::StrContains(statement, " ON TABLESPACE ");
}

absl::Status Execute(PgSession& session, const std::string& statement) {
  return Annotate(session.Query(statement, kStatementTimeout).status(),
                  absl::StrCat("restoring \"", CleanText(statement.substr(0, 120), 120), "\""));
}

// A role that is there must not end the transaction.
absl::Status CreateRole(PgSession& session, const std::string& statement) {
  RETURN_IF_ERROR(Execute(session, "SAVEPOINT role"));
  if (const absl::Status created = Execute(session, statement); !created.ok()) {
    if (session.last_sqlstate() != kDuplicateObject) {
      return created;
    }
    RETURN_IF_ERROR(Execute(session, "ROLLBACK TO SAVEPOINT role"));
  }
  return Execute(session, "RELEASE SAVEPOINT role");
}

}  // namespace

bool ConcernsNewRole(absl::string_view statement, const std::set<std::string>& present) {
  std::string name;
  if (absl::ConsumePrefix(&statement, "GRANT ")) {
    std::string member;
    return ConsumeIdentifier(&statement, &name) && absl::ConsumePrefix(&statement, " TO ") &&
           ConsumeIdentifier(&statement, &member) &&
           (!present.contains(NameToUtf8(name)) || !present.contains(NameToUtf8(member)));
  }
  return (absl::ConsumePrefix(&statement, "CREATE ROLE ") || absl::ConsumePrefix(&statement, "ALTER ROLE ") ||
          absl::ConsumePrefix(&statement, "COMMENT ON ROLE ")) &&
         ConsumeIdentifier(&statement, &name) && !present.contains(NameToUtf8(name));
}

absl::Status RestoreGlobals(const std::string& artifact_directory, const v1::Manifest& manifest,
                            const std::optional<std::set<std::string>>& present_roles, PgSession& session,
                            Cancellation& cancellation) {
  const v1::ArtifactFile* const file = FindGlobalsFile(manifest);
  if (file == nullptr) {
    return absl::OkStatus();
  }
  // All of it is checked before any of it is obeyed.
  std::vector<std::string> statements;
  StatementReader reader([&](DumpStatement statement) {
    if (statement.kind == RestoreKind::kSetting ||
        (present_roles.has_value() ? ConcernsNewRole(statement.text, *present_roles)
                                   : !IsOfTablespace(statement.text))) {
      statements.push_back(std::move(statement.text));
    }
    return absl::OkStatus();
  });
  ASSIGN_OR_RETURN(const StoredDirectory directory, StoredDirectory::Open(artifact_directory));
  VerifyFileOptions options;
  options.drop_page_cache = false;
  RETURN_IF_ERROR(VerifyStoredFile(directory, *file, options, cancellation, &reader).status());
  RETURN_IF_ERROR(reader.Finish());
  RETURN_IF_ERROR(Execute(session, "BEGIN"));
  for (const std::string& statement : statements) {
    if (const absl::Status done =
            absl::StartsWith(statement, "CREATE ROLE ") ? CreateRole(session, statement) : Execute(session, statement);
        !done.ok()) {
      Execute(session, "ROLLBACK").IgnoreError();  // What went wrong before says more.
      return done;
    }
  }
  return Execute(session, "COMMIT");
}

}  // namespace backup::agent
