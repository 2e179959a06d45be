// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/restore_assertions.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "agent/pipeline/job_failure.h"
#include "agent/pipeline/load_database.h"
#include "agent/pipeline/pg_session.h"
#include "agent/pipeline/restore_failure.h"
#include "agent/pipeline/sql_name.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace backup::agent {
namespace {

// A space keeps it apart from any role that a dump is likely to have.
constexpr char kReader[] = "backupctl assertions";
constexpr absl::Duration kAssertTimeout = absl::Minutes(5);
constexpr absl::Duration kSetUpTimeout = absl::Minutes(1);
constexpr int kFirstVersionWithReaders = 140000;

absl::Status MakeReader(const Conninfo& superuser, const std::string& database, Cancellation& cancellation) {
  ASSIGN_OR_RETURN(const std::unique_ptr<PgSession> session, ConnectForRestore(superuser, cancellation));
  if (session->server_version_num() < kFirstVersionWithReaders) {
    return JobError(v1::DRILL_REFUSED, "assertions need PostgreSQL 14 or newer on the agent's host",
                    "leave the assertions out, or install newer PostgreSQL programs beside those of the database");
  }
  const std::string reader = QuoteName(kReader);
  RETURN_IF_ERROR(
      session->Query(absl::StrCat("CREATE ROLE ", reader, " LOGIN BYPASSRLS IN ROLE pg_read_all_data"), kSetUpTimeout)
          .status());
  return session->Query(absl::StrCat("GRANT CONNECT ON DATABASE ", QuoteName(database), " TO ", reader), kSetUpTimeout)
      .status();
}

}  // namespace

absl::StatusOr<int> CheckAssertions(const std::vector<std::string>& assertions, const Conninfo& superuser,
                                    const std::string& database, Cancellation& cancellation) {
  if (assertions.empty()) {
    return 0;
  }
  RETURN_IF_ERROR(MakeReader(superuser, database, cancellation));
  ASSIGN_OR_RETURN(const std::unique_ptr<PgSession> session,
                   ConnectForRestore(superuser.AsUser(kReader).WithDatabase(database), cancellation));
  for (const std::string& assertion : assertions) {
    const absl::StatusOr<PgRows> rows = session->Query(assertion, kAssertTimeout);
    RETURN_IF_ERROR(Annotate(AsAssertionFailure(rows.status(), session->last_sqlstate()),
                             absl::StrCat("assertion \"", CleanText(assertion, 300), "\"")));
    const bool holds = rows->size() == 1 && rows->front().size() == 1 && rows->front()[0] == "t";
    if (!holds) {
      return JobError(v1::ASSERTION_FAILED,
                      absl::StrCat("assertion \"", CleanText(assertion, 300), "\" does not hold in what was restored"),
                      "an assertion is a query that gives one row with one true");
    }
  }
  return static_cast<int>(assertions.size());
}

}  // namespace backup::agent
