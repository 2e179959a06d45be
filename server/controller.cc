// SPDX-License-Identifier: Apache-2.0
#include "server/controller.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/errors.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "server/service_notify.h"
#include "server/stop_wait.h"
#include "server/store/migrations.h"

namespace backup::server {
namespace {

constexpr int kHandlerThreads = 8;
// All agents of a great fleet may be woken at once.
constexpr size_t kMaxQueuedHandlers = 20'000;
// Handlers, the scheduler, retention, compaction, the watches over the clock and the fleet, and one to spare.
constexpr int kMaxCatalogConnections = kHandlerThreads + 6;
constexpr absl::Duration kCatalogWatchPeriod = absl::Seconds(3);
constexpr absl::Duration kShutdownGrace = absl::Seconds(5);
constexpr absl::Duration kLogPeriod = absl::Minutes(1);
constexpr char kAdminUser[] = "admin";

}  // namespace

Controller::Controller(const ControllerOptions& options, Cancellation& stop)
    : options_(options), stop_(stop), port_(listening_port_.get_future()), catalog_log_(kLogPeriod) {}

absl::StatusOr<std::unique_ptr<Controller>> Controller::Start(const ControllerOptions& options, Cancellation& stop) {
  std::unique_ptr<Controller> controller(new Controller(options, stop));
  ASSIGN_OR_RETURN(controller->listen_, ParseAddress("listen", options.listen));
  RETURN_IF_ERROR(controller->PrepareDirectory());
  RETURN_IF_ERROR(controller->PrepareIdentity());
  RETURN_IF_ERROR(controller->OpenCatalog());
  RETURN_IF_ERROR(controller->Serve());
  LogInfo("serving", {{"address", controller->address_},
                      {"catalog", controller->catalog_->description()},
                      {"data", options.data_directory},
                      {"version", BACKUPCTL_VERSION}});
  NotifyServiceManager("READY=1");
  return controller;
}

Controller::~Controller() { Stop(); }

absl::Status Controller::PrepareDirectory() {
  const std::string& directory = options_.data_directory;
  // The private catalog's own user has to pass through; what is secret lies in private directories below.
  const bool shared = options_.catalog_url.empty() && geteuid() == 0;
  const int mode = shared ? 0711 : 0700;
  RETURN_IF_ERROR(MakeDirectories(directory, mode));
  if (chmod(directory.c_str(), mode) != 0) {
    return ErrnoToStatus(errno, absl::StrCat("cannot set the mode of ", directory));
  }
  ASSIGN_OR_RETURN(FileLock lock, FileLock::Acquire(directory + "/lock", absl::StrCat("data directory ", directory)));
  lock_ = std::make_unique<FileLock>(std::move(lock));
  // That of a predecessor that was killed.
  unlink((directory + "/address").c_str());
  return absl::OkStatus();
}

ServerNames Controller::Names() const {
  ServerNames names;
  names.dns_names = {kControllerServerName, "localhost", HostName()};
  names.ip_addresses = {"127.0.0.1", "::1"};
  const Address advertised = Advertised(listen_.port);
  for (const Address& address : {listen_, advertised}) {
    if (!address.IsWildcard()) {
      (address.IsIp() ? names.ip_addresses : names.dns_names).push_back(address.host);
    }
  }
  return names;
}

absl::Status Controller::PrepareIdentity() {
  const absl::Time now = Clock::Real().Now();
  ASSIGN_OR_RETURN(CertificateAuthority authority,
                   CertificateAuthority::LoadOrCreate(options_.data_directory + "/pki", now));
  authority_ = std::make_unique<CertificateAuthority>(std::move(authority));
  ASSIGN_OR_RETURN(const KeyPair server,
                   authority_->ServerIdentity({"backup-controller", kControllerSpiffeId}, Names(), now));
  identity_ = {authority_->certificate(), server.certificate, server.private_key};
  return authority_->EnsureClientBundle(options_.data_directory + "/admin", {kAdminUser, UserSpiffeId(kAdminUser)},
                                        now);
}

absl::Status Controller::OpenCatalog() {
  ASSIGN_OR_RETURN(catalog_, Catalog::Open(options_, stop_));
  PostgresStoreOptions store;
  store.url = catalog_->url();
  store.max_connections = kMaxCatalogConnections;
  ASSIGN_OR_RETURN(store_, PostgresStore::Create(store));
  return absl::OkStatus();
}

Address Controller::Advertised(int port) const {
  if (!options_.advertise.empty()) {
    return *ParseAddress("advertise", options_.advertise);
  }
  return {listen_.IsWildcard() ? HostName() : listen_.host, port};
}

absl::Status Controller::Serve() {
  feed_ = std::make_unique<ChangeFeed>();
  SchedulerOptions scheduling;
  scheduling.max_running_runs = options_.max_running_runs;
  scheduler_ = std::make_unique<Scheduler>(*store_, Clock::Real(), Random::Real(), *feed_, scheduling);
  scheduler_loop_ = std::make_unique<Loop>("scheduler", [this] { return scheduler_->RunOnce(); });
  clock_watch_ = std::make_unique<ClockWatch>(*store_, Clock::Real());
  clock_loop_ = std::make_unique<Loop>("clock-watch", [this] { return clock_watch_->RunOnce(); });
  fleet_watch_ = std::make_unique<FleetWatch>(*store_, Clock::Real(), frozen_retention_);
  fleet_loop_ = std::make_unique<Loop>("fleet-watch", [this] { return fleet_watch_->RunOnce(); });
  retention_ =
      std::make_unique<RetentionLoop>(*store_, Clock::Real(), Random::Real(), *feed_, *clock_watch_, frozen_retention_);
  retention_loop_ = std::make_unique<Loop>("retention", [this] { return retention_->RunOnce(); });
  CompactorOptions compaction;
  compaction.history_age = options_.history_age;
  compaction.clock_jumped = [this] { return clock_watch_->jumped(); };
  compactor_ = std::make_unique<Compactor>(*store_, Clock::Real(), compaction);
  authorizer_ = std::make_unique<Authorizer>();
  refusals_ = std::make_unique<Refusals>(*store_, Clock::Real());
  parked_calls_ = std::make_unique<ParkedCalls>();
  pool_ = std::make_unique<ThreadPool>("api", kHandlerThreads, kMaxQueuedHandlers);

  ApiSettings settings;
  settings.lease_duration = options_.lease_duration;
  settings.progress_interval = options_.progress_interval;
  settings.tells_only_due_runs = options_.max_running_runs > 0;
  // A call may come before this thread learns which port the server took.
  settings.advertised_address = [this] { return Advertised(port_.get()).ToString(); };
  settings.catalog = catalog_->description();
  settings.schema_version = ProgramSchemaVersion();
  settings.start_time = Clock::Real().Now();
  settings.history_age = options_.history_age;
  const auto replan = [this] {
    scheduler_->RequestReplan();
    scheduler_loop_->Trigger();
  };
  const auto plan = [this] {
    scheduler_->RequestPlan();
    scheduler_loop_->Trigger();
  };
  const auto retain = [this](const std::string& database) {
    retention_->RequestDatabase(database);
    retention_loop_->Trigger();
  };
  const ApiContext api = {*store_,     *feed_,         Clock::Real(), Random::Real(), *pool_,        *authorizer_,
                          *authority_, *parked_calls_, *refusals_,    *clock_watch_,  *fleet_watch_, frozen_retention_,
                          replan,      plan,           retain,        settings};
  ASSIGN_OR_RETURN(server_, ApiServer::Start(options_.listen, identity_, api));
  listening_port_.set_value(server_->port());
  const Address dial = {listen_.host == "0.0.0.0" ? "127.0.0.1"
                        : listen_.host == "::"    ? "::1"
                                                  : listen_.host,
                        server_->port()};
  address_ = dial.ToString();
  watch_loop_ = std::make_unique<Loop>("catalog-watch", [this] { return WatchCatalog(); });
  compactor_loop_ = std::make_unique<Loop>("compactor", [this] { return compactor_->RunOnce(); });
  scheduler_loop_->Start();
  clock_loop_->Start();
  fleet_loop_->Start();
  retention_loop_->Start();
  compactor_loop_->Start();
  watch_loop_->Start();
  return WriteFileAtomically(options_.data_directory + "/address", address_ + "\n", 0644);
}

absl::Duration Controller::WatchCatalog() {
  const absl::Status status = catalog_->Check();
  server_->SetServing(status.ok());
  if (status.ok()) {
    return kCatalogWatchPeriod;
  }
  if (!absl::IsUnavailable(status)) {
    Fail(status);
    return absl::InfiniteDuration();
  }
  int64_t suppressed_count = 0;
  if (catalog_log_.ShouldLog(Clock::Real().Monotonic(), &suppressed_count)) {
    LogWarning("the catalog is away", {{"status", status}, {"suppressed", suppressed_count}});
  }
  return kCatalogWatchPeriod;
}

void Controller::Fail(const absl::Status& status) {
  LogError("the controller cannot go on", {{"status", status}});
  {
    MutexLock lock(mu_);
    failure_ = status;
  }
  stop_.Cancel("the controller cannot go on");
}

absl::Status Controller::Wait() {
  StopWait(stop_).WaitFor(absl::InfiniteDuration());
  MutexLock lock(mu_);
  return failure_;
}

void Controller::Stop() {
  {
    MutexLock lock(mu_);
    if (std::exchange(stopped_, true)) {
      return;
    }
  }
  NotifyServiceManager("STOPPING=1");
  if (server_ != nullptr) {
    unlink((options_.data_directory + "/address").c_str());
    watch_loop_->Stop();
    server_->Shutdown(kShutdownGrace);
    scheduler_loop_->Stop();
    retention_loop_->Stop();
    clock_loop_->Stop();
    fleet_loop_->Stop();
    compactor_loop_->Stop();
    pool_->Shutdown();
  }
  if (store_ != nullptr) {
    store_->Stop();
  }
}

}  // namespace backup::server
