// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/cancellation.h"
#include "base/child_process.h"
#include "base/loop.h"
#include "base/mutex.h"

namespace backup::server {

struct EmbeddedCatalogOptions {
  // Everything lies here: the cluster, its socket, its log. Made if missing. The unix user must be able to enter the
  // directories above it.
  std::string directory;
  // Who runs the server when we are root: PostgreSQL refuses to. Without root it runs as ourselves.
  std::string unix_user = "postgres";
  // Where PostgreSQL's programs lie, one folder for each major version (Debian's layout).
  std::string postgresql_root = "/usr/lib/postgresql";
  // How long a start may take, recovery after a crash included, and how long a predecessor may take to end.
  absl::Duration start_timeout = absl::Seconds(120);
  // Borrowed; ends a start that waits. Default: nothing does.
  Cancellation* stop = nullptr;
};

// A private PostgreSQL cluster for the catalog: made by initdb, reached by a Unix socket only, and only by the user
// that runs it and by ours. It ends when this object does, and also when this process dies in any way
// (docs/decisions/0003-private-catalog-ends-with-its-controller.md). When the server ends by itself it is started
// again.
//
// Thread-safe.
class EmbeddedCatalog {
 public:
  // Makes the cluster if there is none, waits for a predecessor that is still stopping, starts, and waits until
  // connections are taken. One that was interrupted while being made is made anew.
  // FAILED_PRECONDITION CATALOG_PROGRAMS_MISSING, CATALOG_USER_MISSING, CATALOG_DIRECTORY_UNREACHABLE or
  // CATALOG_DIRECTORY_BUSY; UNAVAILABLE CATALOG_UNAVAILABLE when the server does not come up, with its last words;
  // CANCELLED.
  static absl::StatusOr<std::unique_ptr<EmbeddedCatalog>> Start(EmbeddedCatalogOptions options);
  // Stop.
  ~EmbeddedCatalog();
  EmbeddedCatalog(const EmbeddedCatalog&) = delete;
  EmbeddedCatalog& operator=(const EmbeddedCatalog&) = delete;

  // libpq URI of the catalog's database. It holds no secret: the server knows us by our unix user.
  const std::string& url() const { return url_; }
  // The server's process; -1 while it is down.
  pid_t pid() const;
  // A fast shutdown: clients are cut off, everything is written. Idempotent.
  void Stop();

 private:
  explicit EmbeddedCatalog(EmbeddedCatalogOptions options) : options_(std::move(options)) {}

  absl::Status Prepare();
  absl::Status PrepareDirectory();
  absl::Status ChooseSocketDirectory();
  absl::Status FindPrograms();
  absl::Status MakeCluster();
  // On the loop's thread, which outlives the server, because the kernel ties its death signal to the thread that
  // started it.
  absl::Duration Supervise();
  absl::Status StartServer();
  absl::Status AwaitReady(ChildProcess& server);
  void StopServer();

  // Constant after Prepare.
  EmbeddedCatalogOptions options_;
  std::optional<std::string> run_as_;
  std::string cluster_directory_;
  std::string socket_directory_;
  std::string socket_note_;  // Names socket_directory_ when that lies outside of ours; else empty.
  std::string bindir_;
  std::string url_;

  mutable Mutex mu_;
  CondVar changed_;
  bool first_start_done_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status first_start_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  pid_t pid_ ABSL_GUARDED_BY(mu_) = -1;

  // Used by the loop's thread, and after its end.
  std::unique_ptr<ChildProcess> server_;
  int failed_starts_ = 0;
  std::unique_ptr<Loop> loop_;
};

}  // namespace backup::server
