// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/mutex.h"

namespace backup::server {

struct CatalogConnection;

// The right of one controller to work on a catalog: a session-wide advisory lock, held by a connection of its own. It
// ends with that connection: when this dies, when the process dies, when the catalog restarts.
//
// Thread-safe.
class CatalogLock {
 public:
  // Waits up to 2 s for one that is just ending. FAILED_PRECONDITION CATALOG_IN_USE when another controller holds it;
  // the message says who: its application name (host and process), address, and the process id of its session.
  // CATALOG_UNAVAILABLE.
  static absl::StatusOr<std::unique_ptr<CatalogLock>> Acquire(const std::string& url);
  ~CatalogLock();
  CatalogLock(const CatalogLock&) = delete;
  CatalogLock& operator=(const CatalogLock&) = delete;

  // Asks the catalog. OK: it is held, taken again if the connection had broken. CATALOG_IN_USE: another controller took
  // it meanwhile, so this one must stop. CATALOG_UNAVAILABLE: nobody can tell; ask again.
  absl::Status Check();

 private:
  explicit CatalogLock(std::string conninfo);
  absl::Status Take() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::string conninfo_;  // A secret.
  Mutex mu_;
  std::unique_ptr<CatalogConnection> connection_ ABSL_GUARDED_BY(mu_);  // Null while the lock is lost.
};

}  // namespace backup::server
