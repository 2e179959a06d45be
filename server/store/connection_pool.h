// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <pqxx/pqxx>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/mutex.h"

namespace backup::server {

// One session with the catalog. libpqxx neither talks to stderr through it nor reconnects behind our back.
struct CatalogConnection {
  // Connects. Throws as libpqxx does. `conninfo` is that of CatalogConninfo.
  explicit CatalogConnection(const std::string& conninfo);

  pqxx::connection connection;

 private:
  pqxx::quiet_errorhandler quiet_;
};

// CatalogConnection, with the exception as CATALOG_UNAVAILABLE; a server older than PostgreSQL 13 is
// FAILED_PRECONDITION CATALOG_SERVER_TOO_OLD.
absl::StatusOr<std::unique_ptr<CatalogConnection>> ConnectToCatalog(const std::string& conninfo);

// Connections to one catalog, made when wanted, kept for the next who asks, never more than a bound. Thread-safe.
class ConnectionPool {
 public:
  struct Options {
    std::string conninfo;  // A secret.
    // Connections at once. Default 8.
    int max_connections = 8;
    // How long to wait for one when all are in use. Default 10 s.
    absl::Duration acquire_timeout = absl::Seconds(10);
  };
  explicit ConnectionPool(Options options);
  // No lease may be left.
  ~ConnectionPool();
  ConnectionPool(const ConnectionPool&) = delete;
  ConnectionPool& operator=(const ConnectionPool&) = delete;

  // A connection for one user, given back when the lease dies. Movable.
  class Lease {
   public:
    Lease(ConnectionPool* pool, std::unique_ptr<CatalogConnection> connection);
    Lease(Lease&& other) noexcept = default;
    Lease& operator=(Lease&& other) = delete;
    ~Lease();
    pqxx::connection& connection() { return connection_->connection; }
    // It is broken: closed instead of given back.
    void Discard() { broken_ = true; }

   private:
    ConnectionPool* pool_;
    std::unique_ptr<CatalogConnection> connection_;
    bool broken_ = false;
  };

  // CATALOG_UNAVAILABLE when it cannot connect, when all stay in use, or after Stop.
  absl::StatusOr<Lease> Acquire();
  // Closes those that nobody uses: the catalog was away, so they are broken too.
  void DropIdle();
  // Waits; false when the pool was stopped.
  bool Pause(absl::Duration duration);
  // Everything that waits returns, and nothing connects any more. Idempotent.
  void Stop();

 private:
  void Return(std::unique_ptr<CatalogConnection> connection, bool broken);
  // Logs when the catalog goes away and when it is back, once each.
  void NoteReachable(const absl::Status& status);

  const Options options_;

  Mutex mu_;
  CondVar changed_;
  std::vector<std::unique_ptr<CatalogConnection>> idle_ ABSL_GUARDED_BY(mu_);
  int open_count_ ABSL_GUARDED_BY(mu_) = 0;  // Idle, in use, or being made.
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  bool reachable_ ABSL_GUARDED_BY(mu_) = true;
};

}  // namespace backup::server
