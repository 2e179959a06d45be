// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/cancellation.h"
#include "server/config.h"
#include "server/embedded_catalog.h"
#include "server/store/catalog_lock.h"

namespace backup::server {

// The catalog that this controller works on, and works on alone: the private server when there is no other, the lock,
// and the schema brought up to date. Thread-safe.
class Catalog {
 public:
  // Waits at most a minute for a catalog that is away, and gives up when `stop` says so (CANCELLED).
  // FAILED_PRECONDITION CATALOG_IN_USE, CATALOG_TOO_NEW and those of EmbeddedCatalog; UNAVAILABLE CATALOG_UNAVAILABLE.
  static absl::StatusOr<std::unique_ptr<Catalog>> Open(const ControllerOptions& options, Cancellation& stop);
  Catalog(const Catalog&) = delete;
  Catalog& operator=(const Catalog&) = delete;

  // What to connect to. May hold a password.
  const std::string& url() const { return url_; }
  // Where it is, for people: "embedded", or host and database.
  const std::string& description() const { return description_; }

  // Whether it is still ours: OK, UNAVAILABLE when it is away, CATALOG_IN_USE when another controller has taken it.
  absl::Status Check() { return lock_->Check(); }

 private:
  Catalog() = default;
  absl::Status Locate(const ControllerOptions& options, Cancellation& stop);
  // Takes the lock and migrates; tries again while the catalog is away.
  absl::Status Prepare(Cancellation& stop);

  // Constant after Open. The lock goes before the server does.
  std::unique_ptr<EmbeddedCatalog> embedded_;
  std::string url_;
  std::string description_;
  std::unique_ptr<CatalogLock> lock_;
};

}  // namespace backup::server
