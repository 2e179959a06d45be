// SPDX-License-Identifier: Apache-2.0
#include "server/catalog.h"

#include <algorithm>

#include "base/clock.h"
#include "base/errors.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "server/stop_wait.h"
#include "server/store/catalog_url.h"
#include "server/store/migrations.h"

namespace backup::server {
namespace {

constexpr absl::Duration kPatience = absl::Minutes(1);
constexpr absl::Duration kFirstDelay = absl::Milliseconds(250);
constexpr absl::Duration kLongestDelay = absl::Seconds(5);

}  // namespace

absl::StatusOr<std::unique_ptr<Catalog>> Catalog::Open(const ControllerOptions& options, Cancellation& stop) {
  std::unique_ptr<Catalog> catalog(new Catalog());
  RETURN_IF_ERROR(catalog->Locate(options, stop));
  RETURN_IF_ERROR(catalog->Prepare(stop));
  return catalog;
}

absl::Status Catalog::Locate(const ControllerOptions& options, Cancellation& stop) {
  if (!options.catalog_url.empty()) {
    url_ = options.catalog_url;
    ASSIGN_OR_RETURN(description_, DescribeCatalog(url_));
    return absl::OkStatus();
  }
  EmbeddedCatalogOptions embedded;
  embedded.directory = options.data_directory + "/catalog";
  embedded.unix_user = options.catalog_user;
  embedded.stop = &stop;
  ASSIGN_OR_RETURN(embedded_, EmbeddedCatalog::Start(embedded));
  url_ = embedded_->url();
  description_ = "embedded";
  return absl::OkStatus();
}

absl::Status Catalog::Prepare(Cancellation& stop) {
  const absl::Duration give_up = Clock::Real().Monotonic() + kPatience;
  StopWait wait(stop);
  absl::Duration delay = kFirstDelay;
  while (true) {
    absl::Status status;
    if (lock_ == nullptr) {
      absl::StatusOr<std::unique_ptr<CatalogLock>> lock = CatalogLock::Acquire(url_);
      status = lock.status();
      lock_ = lock.ok() ? *std::move(lock) : nullptr;
    }
    if (status.ok()) {
      status = ApplyMigrations(url_);
    }
    if (!absl::IsUnavailable(status) || Clock::Real().Monotonic() >= give_up) {
      return status;
    }
    LogWarning("the catalog is away; trying again", {{"catalog", description_}, {"status", status}, {"delay", delay}});
    if (wait.WaitFor(delay)) {
      return absl::CancelledError("stopped while the catalog was away");
    }
    delay = std::min(delay * 2, kLongestDelay);
  }
}

}  // namespace backup::server
