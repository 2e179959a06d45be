// SPDX-License-Identifier: Apache-2.0
#include "server/store/connection_pool.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/errors.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "server/store/sql_errors.h"

#ifdef __SANITIZE_ADDRESS__
// libpqxx 6.4 forgets the PGresult (216 bytes) of a statement during which the connection broke.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libpqxx-6.4.so\n"; }
#endif

namespace backup::server {
namespace {

constexpr int kOldestServer = 130000;  // pg_xact_status on 64-bit transaction ids.

}  // namespace

CatalogConnection::CatalogConnection(const std::string& conninfo) : connection(conninfo), quiet_(connection) {
  // A connection that comes back by itself comes back without its transaction.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  connection.inhibit_reactivation(true);
#pragma GCC diagnostic pop
}

absl::StatusOr<std::unique_ptr<CatalogConnection>> ConnectToCatalog(const std::string& conninfo) {
  try {
    auto connection = std::make_unique<CatalogConnection>(conninfo);
    const int version = connection->connection.server_version();
    if (version < kOldestServer) {
      return MakeError(absl::StatusCode::kFailedPrecondition, "CATALOG_SERVER_TOO_OLD",
                       absl::StrCat("the catalog's server is PostgreSQL ", version / 10000),
                       "use PostgreSQL 13 or newer for the catalog");
    }
    // What was answered must survive a crash, whatever the server or the database say; a stricter setting stays.
    pqxx::nontransaction session(connection->connection);
    session.exec(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'");
    return connection;
  } catch (const std::exception& error) {
    return ExplainException(error, false).status;
  }
}

ConnectionPool::ConnectionPool(Options options) : options_(std::move(options)) {}

ConnectionPool::~ConnectionPool() {
  Stop();
  MutexLock lock(mu_);
  idle_.clear();
}

ConnectionPool::Lease::Lease(ConnectionPool* pool, std::unique_ptr<CatalogConnection> connection)
    : pool_(pool), connection_(std::move(connection)) {}

ConnectionPool::Lease::~Lease() {
  if (connection_ != nullptr) pool_->Return(std::move(connection_), broken_);
}

absl::StatusOr<ConnectionPool::Lease> ConnectionPool::Acquire() {
  const absl::Duration deadline = Clock::Real().Monotonic() + options_.acquire_timeout;
  {
    MutexLock lock(mu_);
    while (!stopped_ && idle_.empty() && open_count_ >= options_.max_connections) {
      const absl::Duration left = deadline - Clock::Real().Monotonic();
      if (left <= absl::ZeroDuration()) {
        return CatalogUnavailable(absl::StrCat("all ", options_.max_connections, " connections stay in use"));
      }
      changed_.WaitFor(mu_, left);
    }
    if (stopped_) return CatalogUnavailable("the controller stops");
    if (!idle_.empty()) {
      Lease lease(this, std::move(idle_.back()));
      idle_.pop_back();
      return lease;
    }
    ++open_count_;
  }
  absl::StatusOr<std::unique_ptr<CatalogConnection>> connection = ConnectToCatalog(options_.conninfo);
  NoteReachable(connection.status());
  if (connection.ok()) return Lease(this, *std::move(connection));
  Return(nullptr, true);
  return connection.status();
}

void ConnectionPool::Return(std::unique_ptr<CatalogConnection> connection, bool broken) {
  // Closing talks to the server: not under the lock.
  if (broken) connection.reset();
  MutexLock lock(mu_);
  if (broken) {
    --open_count_;
  } else {
    idle_.push_back(std::move(connection));
  }
  changed_.NotifyAll();
}

void ConnectionPool::DropIdle() {
  std::vector<std::unique_ptr<CatalogConnection>> dropped;
  MutexLock lock(mu_);
  dropped.swap(idle_);
  open_count_ -= static_cast<int>(dropped.size());
  changed_.NotifyAll();
}

bool ConnectionPool::Pause(absl::Duration duration) {
  const absl::Duration deadline = Clock::Real().Monotonic() + duration;
  MutexLock lock(mu_);
  for (absl::Duration left = duration; !stopped_ && left > absl::ZeroDuration();
       left = deadline - Clock::Real().Monotonic()) {
    changed_.WaitFor(mu_, left);
  }
  return !stopped_;
}

void ConnectionPool::Stop() {
  MutexLock lock(mu_);
  stopped_ = true;
  changed_.NotifyAll();
}

void ConnectionPool::NoteReachable(const absl::Status& status) {
  {
    MutexLock lock(mu_);
    if (reachable_ == status.ok()) return;
    reachable_ = status.ok();
  }
  if (status.ok()) {
    LogInfo("the catalog is back");
  } else {
    LogError("the catalog is away", {{"error", status}});
  }
}

}  // namespace backup::server
