// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/database_probe.h"

#include "absl/strings/str_cat.h"
#include "agent/pipeline/conninfo.h"
#include "agent/pipeline/database_facts.h"
#include "agent/pipeline/job_failure.h"
#include "agent/pipeline/pg_session.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace backup::agent {

absl::StatusOr<DatabaseFacts> ProbeDatabase(const ConnectionTarget& target, const ProbeOptions& options,
                                            Cancellation* cancellation) {
  ASSIGN_OR_RETURN(Conninfo conninfo, Conninfo::Parse(target));
  ASSIGN_OR_RETURN(std::unique_ptr<PgSession> session,
                   PgSession::Connect(conninfo, options.connect_timeout, cancellation));
  RETURN_IF_ERROR(PrepareSession(*session, options.statement_timeout));
  return ReadDatabaseFacts(*session, options.statement_timeout);
}

absl::Status CheckSameDatabase(const v1::DatabaseIdentity& before, const v1::DatabaseIdentity& after) {
  auto differ = [](absl::string_view what, absl::string_view was, absl::string_view is) {
    return JobError(v1::WRONG_DATABASE,
                    absl::StrCat("the connection leads to another database than before: ", what, " was ",
                                 CleanText(was, 200), ", is ", CleanText(is, 200)),
                    "a failover, a pooler or a re-created database; check the target in the agent's file");
  };
  if (before.system_identifier() != after.system_identifier()) {
    return differ("the cluster's system identifier", before.system_identifier(), after.system_identifier());
  }
  if (before.name() != after.name()) {
    return differ("the name", before.name(), after.name());
  }
  if (before.oid() != after.oid()) {
    return differ("the OID", absl::StrCat(before.oid()), absl::StrCat(after.oid()));
  }
  return absl::OkStatus();
}

}  // namespace backup::agent
