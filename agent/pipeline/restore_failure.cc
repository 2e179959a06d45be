// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/restore_failure.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/pipeline/job_failure.h"
#include "agent/pipeline/roles_named.h"
#include "base/errors.h"
#include "base/text.h"

namespace backup::agent {
namespace {

constexpr absl::string_view kUndefinedObject = "42704";

bool Is(const absl::Status& status, v1::FailureCause cause) {
  return ErrorReason(status) == v1::FailureCause_Name(cause);
}

}  // namespace

absl::Status AsRestoreFailure(const absl::Status& status) {
  if (Is(status, v1::PERMISSION)) {
    return WithHint(status, "restore as a superuser, or as a role that may do this");
  }
  if (!Is(status, v1::DUMP_FAILED)) {
    return status;
  }
  return JobError(v1::RESTORE_FAILED, status.message(), ErrorHint(status));
}

absl::Status AboutMissingRoles(const absl::Status& status, absl::string_view sqlstate, absl::string_view statement,
                               const std::set<std::string>& missing_roles) {
  if (status.ok() || sqlstate != kUndefinedObject || missing_roles.empty()) {
    return status;
  }
  const std::set<std::string> named = RolesNamedIn(statement, missing_roles);
  if (named.empty()) {
    return status;
  }
  return JobError(
      v1::RESTORE_REFUSED,
      absl::StrCat("the server lacks roles that the database uses: ", CleanText(absl::StrJoin(named, ", "), 500)),
      "make them first, or restore with --create-roles");
}

absl::Status AsAssertionFailure(const absl::Status& status, absl::string_view sqlstate) {
  // Cardinality, data, transaction state (a write), integrity, syntax and names, PL/pgSQL: PostgreSQL manual, appendix
  // A.
  constexpr absl::string_view kClasses[] = {"21", "22", "23", "25", "42", "P0"};
  const bool is_its_own =
      std::find(std::begin(kClasses), std::end(kClasses), sqlstate.substr(0, 2)) != std::end(kClasses);
  if (status.ok() || !is_its_own) {
    return status;
  }
  return JobError(v1::ASSERTION_FAILED, status.message(),
                  "an assertion only reads, and gives one row with one true; try it in the database itself");
}

}  // namespace backup::agent
