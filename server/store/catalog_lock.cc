// SPDX-License-Identifier: Apache-2.0
#include "server/store/catalog_lock.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "server/store/catalog_url.h"
#include "server/store/connection_pool.h"
#include "server/store/sql_errors.h"
#include "server/store/transaction_executor.h"

namespace backup::server {
namespace {

// One lock for each catalog; advisory locks are of one database. Any number that nothing else uses.
constexpr int64_t kControllerLock = 0x6261636b75700002;

// Who holds it, for people; "" when nobody does any more.
std::string Holder(pqxx::transaction_base& transaction) {
  const pqxx::result rows = Exec(transaction,
                                 "SELECT a.application_name, coalesce(host(a.client_addr), 'local'), l.pid "
                                 "FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid "
                                 "WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 "
                                 "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
                                 "AND (l.classid::bigint << 32 | l.objid::bigint) = $1",
                                 SqlParams().Int(kControllerLock));
  if (rows.empty()) return "";
  return CleanText(
      absl::StrCat("\"", rows[0][0].c_str(), "\", ", rows[0][1].c_str(), ", session process ", rows[0][2].c_str()));
}

absl::Status InUse(const std::string& holder) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "CATALOG_IN_USE",
                   absl::StrCat("another controller works on this catalog: ", holder.empty() ? "unknown" : holder),
                   "stop that controller, or give this one a catalog of its own");
}

}  // namespace

CatalogLock::CatalogLock(std::string conninfo) : conninfo_(std::move(conninfo)) {}
CatalogLock::~CatalogLock() = default;

absl::StatusOr<std::unique_ptr<CatalogLock>> CatalogLock::Acquire(const std::string& url) {
  ASSIGN_OR_RETURN(std::string conninfo, CatalogConninfo(url));
  std::unique_ptr<CatalogLock> lock(new CatalogLock(std::move(conninfo)));
  RETURN_IF_ERROR(lock->Check());
  return lock;
}

absl::Status CatalogLock::Check() {
  MutexLock lock(mu_);
  if (connection_ != nullptr) {
    try {
      pqxx::nontransaction transaction(connection_->connection);
      Exec(transaction, "SELECT 1");
      return absl::OkStatus();
    } catch (const std::exception&) {
      connection_.reset();
    }
  }
  return Take();
}

absl::Status CatalogLock::Take() {
  ASSIGN_OR_RETURN(std::unique_ptr<CatalogConnection> connection, ConnectToCatalog(conninfo_));
  try {
    pqxx::nontransaction transaction(connection->connection);
    // A controller that was just killed has a session that still ends.
    Exec(transaction, "SET lock_timeout = '2s'");
    try {
      Exec(transaction, "SELECT pg_advisory_lock($1)", SqlParams().Int(kControllerLock));
    } catch (const pqxx::sql_error& error) {
      if (error.sqlstate() != "55P03") throw;  // lock_not_available
      return InUse(Holder(transaction));
    }
  } catch (const std::exception& error) {
    return ExplainException(error, connection->connection.is_open()).status;
  }
  connection_ = std::move(connection);
  return absl::OkStatus();
}

}  // namespace backup::server
