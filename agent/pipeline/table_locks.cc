// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/table_locks.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "agent/pipeline/database_facts.h"
#include "agent/pipeline/job_failure.h"
#include "base/clock.h"
#include "base/status_macros.h"

namespace backup::agent {
namespace {

// Tables that come while others are locked mean another round; where they never stop coming, the last ones are locked
// after the snapshot, as pg_dump would.
constexpr int kMaxRounds = 5;
constexpr size_t kNamesPerStatement = 200;

using TableNames = std::set<std::string>;  // Quoted and qualified.

absl::StatusOr<TableNames> ReadNames(PgSession& session, const LockOptions& options) {
  ASSIGN_OR_RETURN(const PgRows rows, session.Query(LockableTablesQuery(), options.statement_timeout));
  TableNames names;
  for (const auto& row : rows) {
    if (!row.empty() && row[0].has_value()) {
      names.insert(*row[0]);
    }
  }
  return names;
}

absl::Status Lock(PgSession& session, const TableNames& names, const LockOptions& options) {
  const absl::Duration left = options.deadline_monotonic - Clock::Real().Monotonic();
  std::string list;
  size_t count = 0;
  for (auto name = names.begin(); name != names.end();) {
    absl::StrAppend(&list, count == 0 ? "" : ", ", "ONLY ", *name);
    ++name;
    if (++count == kNamesPerStatement || name == names.end()) {
      RETURN_IF_ERROR(session.Query(absl::StrCat("LOCK TABLE ", list, " IN ACCESS SHARE MODE"), left).status());
      list.clear();
      count = 0;
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status BeginWithLocks(PgSession& session, const LockOptions& options) {
  const auto run = [&](const std::string& sql) { return session.Query(sql, options.statement_timeout).status(); };
  RETURN_IF_ERROR(run("SET statement_timeout = 0"));
  RETURN_IF_ERROR(run(absl::StrCat("SET lock_timeout = ", absl::ToInt64Milliseconds(options.lock_timeout))));
  for (int round = 1;; ++round) {
    ASSIGN_OR_RETURN(const TableNames wanted, ReadNames(session, options));
    // Neither BEGIN nor LOCK takes the snapshot; the first question after them does.
    RETURN_IF_ERROR(run("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"));
    if (const absl::Status locked = Lock(session, wanted, options); !locked.ok()) {
      // One that was dropped or renamed meanwhile is not there in the next round.
      const bool is_gone = session.last_sqlstate() == "42P01" || session.last_sqlstate() == "3F000";
      if (!is_gone || round == kMaxRounds) {
        return locked;
      }
      RETURN_IF_ERROR(run("ROLLBACK"));
      continue;
    }
    ASSIGN_OR_RETURN(const TableNames seen, ReadNames(session, options));
    TableNames unlocked;
    std::set_difference(seen.begin(), seen.end(), wanted.begin(), wanted.end(),
                        std::inserter(unlocked, unlocked.begin()));
    if (unlocked.empty()) {
      return absl::OkStatus();
    }
    if (round == kMaxRounds) {
      return Lock(session, unlocked, options);
    }
    RETURN_IF_ERROR(run("ROLLBACK"));
  }
}

}  // namespace backup::agent
