// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <future>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/cancellation.h"
#include "base/file.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mutex.h"
#include "base/rpc/tls.h"
#include "base/thread_pool.h"
#include "server/address.h"
#include "server/api/api_server.h"
#include "server/catalog.h"
#include "server/config.h"
#include "server/loops/change_feed.h"
#include "server/loops/clock_watch.h"
#include "server/loops/compactor.h"
#include "server/loops/fleet_watch.h"
#include "server/loops/frozen_retention.h"
#include "server/loops/retention_loop.h"
#include "server/loops/scheduler.h"
#include "server/pki/certificate_authority.h"
#include "server/store/postgres_store.h"

namespace backup::server {

// A whole controller: the composition root. It owns every part, in the order of its members; each part borrows those
// before it, and they end in the reverse order.
//
// Thread-safe.
class Controller {
 public:
  // Serves once it returns, and has then written DIR/address. `stop` is borrowed: cancelling it ends a start that
  // waits, and Wait. Errors: FAILED_PRECONDITION LOCKED when another controller uses the data directory; those of
  // CertificateAuthority, Catalog and ApiServer.
  static absl::StatusOr<std::unique_ptr<Controller>> Start(const ControllerOptions& options, Cancellation& stop);
  // Stop.
  ~Controller();
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  // Where to dial it from this machine, host:port.
  const std::string& address() const { return address_; }

  // Returns when `stop` was cancelled: OK; or when the controller cannot go on: why.
  absl::Status Wait();
  // Ends everything: first no new calls, then the loops, then the catalog. Idempotent.
  void Stop();

 private:
  Controller(const ControllerOptions& options, Cancellation& stop);

  absl::Status PrepareDirectory();
  absl::Status PrepareIdentity();
  absl::Status OpenCatalog();
  absl::Status Serve();
  // What goes into tokens: as asked for, else where we listen, under a name that others can dial.
  Address Advertised(int port) const;
  ServerNames Names() const;
  // One look at the catalog; the body of watch_loop_.
  absl::Duration WatchCatalog();
  void Fail(const absl::Status& status);

  // Constant after Start.
  const ControllerOptions options_;
  Cancellation& stop_;
  Address listen_;
  std::string address_;
  std::promise<int> listening_port_;
  const std::shared_future<int> port_;
  std::unique_ptr<FileLock> lock_;
  std::unique_ptr<CertificateAuthority> authority_;
  TlsIdentity identity_;
  std::unique_ptr<Catalog> catalog_;
  std::unique_ptr<PostgresStore> store_;
  std::unique_ptr<ChangeFeed> feed_;
  std::unique_ptr<Scheduler> scheduler_;
  std::unique_ptr<Loop> scheduler_loop_;
  std::unique_ptr<ClockWatch> clock_watch_;
  std::unique_ptr<Loop> clock_loop_;
  FrozenRetention frozen_retention_;
  std::unique_ptr<FleetWatch> fleet_watch_;
  std::unique_ptr<Loop> fleet_loop_;
  std::unique_ptr<RetentionLoop> retention_;
  std::unique_ptr<Loop> retention_loop_;
  std::unique_ptr<Compactor> compactor_;
  std::unique_ptr<Loop> compactor_loop_;
  std::unique_ptr<Authorizer> authorizer_;
  std::unique_ptr<Refusals> refusals_;
  std::unique_ptr<ParkedCalls> parked_calls_;
  std::unique_ptr<ThreadPool> pool_;
  std::unique_ptr<ApiServer> server_;
  LogLimiter catalog_log_;
  std::unique_ptr<Loop> watch_loop_;

  Mutex mu_;
  absl::Status failure_ ABSL_GUARDED_BY(mu_);
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace backup::server
