// SPDX-License-Identifier: Apache-2.0
#include "server/embedded_catalog.h"

#include <libpq-fe.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/log.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "server/embedded_cluster_files.h"

namespace backup::server {
namespace {

constexpr char kDatabaseUser[] = "backup";
constexpr absl::Duration kReadyPoll = absl::Milliseconds(10);
constexpr absl::Duration kHealthCheckPeriod = absl::Seconds(1);
constexpr absl::Duration kStopTimeout = absl::Seconds(60);
constexpr absl::Duration kLongestRestartDelay = absl::Seconds(30);

}  // namespace

absl::StatusOr<std::unique_ptr<EmbeddedCatalog>> EmbeddedCatalog::Start(EmbeddedCatalogOptions options) {
  std::unique_ptr<EmbeddedCatalog> catalog(new EmbeddedCatalog(std::move(options)));
  RETURN_IF_ERROR(catalog->Prepare());
  EmbeddedCatalog* self = catalog.get();
  catalog->loop_ = std::make_unique<Loop>("catalog-server", [self] { return self->Supervise(); });
  catalog->loop_->Start();
  MutexLock lock(catalog->mu_);
  while (!catalog->first_start_done_) catalog->changed_.Wait(catalog->mu_);
  RETURN_IF_ERROR(catalog->first_start_);
  return catalog;
}

EmbeddedCatalog::~EmbeddedCatalog() { Stop(); }

pid_t EmbeddedCatalog::pid() const {
  MutexLock lock(mu_);
  return pid_;
}

void EmbeddedCatalog::Stop() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
  }
  // The end of the loop's thread already asks the server to stop: see Supervise.
  if (loop_ != nullptr) loop_->Stop();
  StopServer();
  RemoveShortSocketDirectory(socket_note_);
}

absl::Status EmbeddedCatalog::Prepare() {
  ASSIGN_OR_RETURN(run_as_, ChooseClusterUser(options_.unix_user));
  RETURN_IF_ERROR(PrepareDirectory());
  cluster_directory_ = options_.directory + "/cluster";
  RETURN_IF_ERROR(FindPrograms());
  RETURN_IF_ERROR(MakeCluster());
  RETURN_IF_ERROR(ChooseSocketDirectory());
  url_ = absl::StrCat("postgresql://", kDatabaseUser, "@/postgres?host=", EncodeSegment(socket_directory_));
  RETURN_IF_ERROR(AwaitPredecessor(cluster_directory_, options_.start_timeout));
  // Now it is nobody's, whosever pid is in it.
  unlink((socket_directory_ + "/.s.PGSQL.5432.lock").c_str());
  return absl::OkStatus();
}

absl::Status EmbeddedCatalog::PrepareDirectory() {
  RETURN_IF_ERROR(MakeOwnedDirectory(options_.directory, run_as_));
  return CheckReachable(options_.directory, run_as_);
}

absl::Status EmbeddedCatalog::ChooseSocketDirectory() {
  socket_directory_ = options_.directory + "/socket";
  if (SocketPathFits(socket_directory_)) return MakeOwnedDirectory(socket_directory_, run_as_);
  socket_note_ = options_.directory + "/socket-directory";
  ASSIGN_OR_RETURN(socket_directory_, MakeShortSocketDirectory(socket_note_, run_as_));
  return absl::OkStatus();
}

absl::Status EmbeddedCatalog::FindPrograms() {
  ASSIGN_OR_RETURN(bindir_, FindServerPrograms(options_.postgresql_root, cluster_directory_));
  return absl::OkStatus();
}

absl::Status EmbeddedCatalog::MakeCluster() {
  if (access((cluster_directory_ + "/PG_VERSION").c_str(), F_OK) == 0) return absl::OkStatus();
  const std::string partial = cluster_directory_ + ".partial";
  std::error_code error;
  std::filesystem::remove_all(partial, error);
  ChildOptions initdb;
  initdb.argv = {
      bindir_ + "/initdb", "--pgdata", partial,        "--username", kDatabaseUser, "--encoding", "UTF8",
      "--locale",          "C",        "--auth-local", "peer",       "--auth-host", "reject",     "--data-checksums",
      "--no-instructions"};
  initdb.environment = {{"PATH", "/usr/bin:/bin"}, {"LC_ALL", "C"}};
  initdb.run_as_user = run_as_;
  absl::Status made = RunAndCollect(initdb, options_.start_timeout).status();
  if (!made.ok()) return Annotate(made, "cannot make the private catalog");
  RETURN_IF_ERROR(WriteClusterAccess(partial, kDatabaseUser, run_as_));
  // Only a whole cluster has the final name, so an interrupted initdb is simply done again.
  std::filesystem::rename(partial, cluster_directory_, error);
  if (error) return ErrnoToStatus(error.value(), absl::StrCat("cannot rename ", partial));
  LogInfo("made the private catalog", {{"directory", cluster_directory_}});
  return SyncDirectory(options_.directory);
}

absl::Duration EmbeddedCatalog::Supervise() {
  if (server_ != nullptr) {
    const std::optional<ExitStatus> ended = server_->Wait(absl::ZeroDuration());
    if (!ended.has_value()) return kHealthCheckPeriod;
    LogError("the private catalog's server ended; starting it again", {{"how", ended->ToString()}});
    server_.reset();
    MutexLock lock(mu_);
    pid_ = -1;
  }
  const absl::Status started = StartServer();
  failed_starts_ = started.ok() ? 0 : failed_starts_ + 1;
  if (!started.ok()) LogError("the private catalog's server did not start", {{"error", started}});
  bool first = false;
  {
    MutexLock lock(mu_);
    first = !first_start_done_;
    first_start_done_ = true;
    if (first) first_start_ = started;
    pid_ = started.ok() ? server_->pid() : -1;
    changed_.NotifyAll();
  }
  if (started.ok()) return kHealthCheckPeriod;
  // The caller of Start is told; it will not come back for more.
  if (first) return absl::InfiniteDuration();
  return std::min(kLongestRestartDelay, absl::Seconds(1) * failed_starts_);
}

absl::Status EmbeddedCatalog::StartServer() {
  ChildOptions postgres;
  postgres.argv = {bindir_ + "/postgres", "-D", cluster_directory_};
  for (const std::string& setting : ServerSettings(options_.directory, socket_directory_)) {
    postgres.argv.insert(postgres.argv.end(), {"-c", setting});
  }
  postgres.environment = {{"PATH", "/usr/bin:/bin"}, {"LC_ALL", "C"}};
  postgres.run_as_user = run_as_;
  postgres.pipe_stdout = false;
  postgres.death_signal = SIGINT;  // Fast shutdown.
  ASSIGN_OR_RETURN(server_, ChildProcess::Start(postgres));
  absl::Status ready = AwaitReady(*server_);
  if (!ready.ok()) server_.reset();
  return ready;
}

absl::Status EmbeddedCatalog::AwaitReady(ChildProcess& server) {
  const absl::Time give_up = absl::Now() + options_.start_timeout;
  while (absl::Now() < give_up) {
    if (options_.stop != nullptr && options_.stop->cancelled()) {
      return absl::CancelledError("stopped while the private catalog started");
    }
    if (PQping(url_.c_str()) == PQPING_OK) return absl::OkStatus();
    if (const std::optional<ExitStatus> ended = server.Wait(kReadyPoll)) {
      return CatalogUnavailable(absl::StrCat("its server ", ended->ToString(), ": ",
                                             absl::StrJoin(server.stderr_lines(), " | "), "; more in ",
                                             options_.directory, "/log"));
    }
    MutexLock lock(mu_);
    if (stopping_) return absl::CancelledError("stopped while the private catalog started");
  }
  return CatalogUnavailable(absl::StrCat("its server takes no connections; look into ", options_.directory, "/log"));
}

void EmbeddedCatalog::StopServer() {
  if (server_ != nullptr) {
    // Only to the postmaster: it ends its children in order, and a signal to all of them would look like a crash.
    kill(server_->pid(), SIGINT);
    if (!server_->Wait(kStopTimeout).has_value()) LogError("the private catalog's server did not stop and is killed");
    server_.reset();
  }
  MutexLock lock(mu_);
  pid_ = -1;
}

}  // namespace backup::server
