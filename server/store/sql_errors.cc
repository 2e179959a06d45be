// SPDX-License-Identifier: Apache-2.0
#include "server/store/sql_errors.h"

#include <algorithm>
#include <iterator>
#include <pqxx/pqxx>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/text.h"

namespace backup::server {
namespace {

constexpr size_t kMaxTextBytes = 500;

// PostgreSQL's first line; those after it quote the statement.
std::string FirstLine(const char* what) {
  const std::string text(what);
  return CleanText(absl::StripAsciiWhitespace(text.substr(0, text.find('\n'))), kMaxTextBytes);
}

// Codes of https://www.postgresql.org/docs/current/errcodes-appendix.html that pass by themselves or by an operator.
bool MayPass(const std::string& sqlstate) {
  constexpr const char* kPassing[] = {
      "08",     // Connection exception.
      "53",     // Insufficient resources: disk full, out of memory, too many connections.
      "57",     // Operator intervention: shutdown, statement time-out, starting up.
      "58",     // System error: I/O.
      "55P03",  // Lock not available in time.
      "25006",  // Read-only: a standby.
  };
  return std::any_of(std::begin(kPassing), std::end(kPassing),
                     [&](const char* passing) { return absl::StartsWith(sqlstate, passing); });
}

absl::Status CatalogError(const std::exception& error, const std::string& sqlstate) {
  return MakeError(absl::StatusCode::kInternal, "CATALOG_ERROR",
                   absl::StrCat("the catalog refused a statement: ", FirstLine(error.what())), "",
                   {{"sqlstate", sqlstate}});
}

}  // namespace

SqlFailure ExplainException(const std::exception& error, bool connection_open) {
  if (dynamic_cast<const pqxx::in_doubt_error*>(&error) != nullptr ||
      dynamic_cast<const pqxx::statement_completion_unknown*>(&error) != nullptr) {
    return {SqlTrouble::kInDoubt, CatalogUnavailable("the connection broke while it committed")};
  }
  const auto* sql = dynamic_cast<const pqxx::sql_error*>(&error);
  const std::string sqlstate = sql == nullptr ? "" : sql->sqlstate();
  if (sqlstate == "40001" || sqlstate == "40P01" ||
      dynamic_cast<const pqxx::transaction_rollback*>(&error) != nullptr) {
    return {SqlTrouble::kConflict, CatalogUnavailable(FirstLine(error.what()))};
  }
  // 57P01 and the like end the session; libpq may not have seen the end of the stream yet.
  const bool session_ended = absl::StartsWith(sqlstate, "57P0") || sqlstate == "25P03";
  if (!connection_open || session_ended || dynamic_cast<const pqxx::broken_connection*>(&error) != nullptr) {
    return {SqlTrouble::kConnectionLost, CatalogUnavailable(FirstLine(error.what()))};
  }
  if (MayPass(sqlstate)) return {SqlTrouble::kOther, CatalogUnavailable(FirstLine(error.what()))};
  return {SqlTrouble::kOther, CatalogError(error, sqlstate)};
}

}  // namespace backup::server
