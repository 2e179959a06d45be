// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/scratch_cluster.h"

#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/pipeline/conninfo.h"
#include "agent/pipeline/job_failure.h"
#include "agent/pipeline/pg_session.h"
#include "agent/pipeline/storage_error.h"
#include "base/clock.h"
#include "base/errors.h"
#include "base/log.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "base/working_directory.h"

namespace backup::agent {
namespace {

constexpr char kPrefix[] = "backupctl-drill-";
// No role of the origin: what globals say of theirs must not reach the one that the drill works as.
constexpr char kSuperuser[] = "backupctl_drill";
constexpr absl::Duration kConnectTimeout = absl::Seconds(10);
constexpr absl::Duration kPoll = absl::Milliseconds(50);
constexpr absl::Duration kStopGrace = absl::Seconds(10);

absl::Status Refused(absl::string_view why, absl::string_view hint) { return JobError(v1::DRILL_REFUSED, why, hint); }

std::string LockOf(const std::string& directory) { return directory + "/lock"; }

}  // namespace

absl::StatusOr<std::unique_ptr<ScratchCluster>> ScratchCluster::Start(const ScratchClusterOptions& options,
                                                                      Cancellation& cancellation) {
  RemoveAbandonedClusters(options.work_directory);
  std::unique_ptr<ScratchCluster> cluster(new ScratchCluster(options));
  RETURN_IF_ERROR(cluster->MakeDirectory());
  RETURN_IF_ERROR(cluster->MakeCluster());
  RETURN_IF_ERROR(cluster->StartServer(cancellation));
  return cluster;
}

ScratchCluster::~ScratchCluster() {
  if (server_ != nullptr) {
    server_->Terminate(kStopGrace);
  }
  if (!directory_.empty()) {
    AwaitNobodyWorksIn(directory_ + "/data", kStopGrace);
    std::error_code error;
    std::filesystem::remove_all(directory_, error);
    if (error) {
      LogWarning("cannot remove the directory of a drill", {{"path", directory_}, {"error", error.message()}});
    }
  }
}

absl::Status ScratchCluster::MakeDirectory() {
  std::string path = absl::StrCat(options_.work_directory, "/", kPrefix, "XXXXXX");
  if (mkdtemp(path.data()) == nullptr) {
    return StorageError(errno, absl::StrCat("cannot make a directory in ", options_.work_directory));
  }
  directory_ = path;
  ASSIGN_OR_RETURN(FileLock lock, FileLock::Acquire(LockOf(directory_), "the drill's directory"));
  lock_ = std::make_unique<FileLock>(std::move(lock));
  if (geteuid() != 0) {
    return absl::OkStatus();
  }
  const passwd* const user = getpwnam(options_.unix_user.c_str());
  if (user == nullptr || user->pw_uid == 0) {
    return Refused(absl::StrCat("a PostgreSQL server does not run as root, and there is no ordinary user \"",
                                options_.unix_user, "\""),
                   "run the drill as an ordinary user, or install package postgresql");
  }
  if (chown(directory_.c_str(), user->pw_uid, user->pw_gid) != 0) {
    return StorageError(errno, absl::StrCat("cannot give ", directory_, " to user ", options_.unix_user));
  }
  run_as_ = options_.unix_user;
  return absl::OkStatus();
}

absl::Status ScratchCluster::MakeCluster() {
  ChildOptions initdb;
  initdb.argv = {options_.bindir + "/initdb",
                 "--pgdata",
                 directory_ + "/data",
                 "--username",
                 kSuperuser,
                 "--encoding",
                 "UTF8",
                 "--locale",
                 "C",
                 "--auth",
                 "trust",
                 "--no-sync",
                 "--no-instructions"};
  initdb.environment = {{"PATH", "/usr/bin:/bin"}, {"LC_ALL", "C"}};
  initdb.run_as_user = run_as_;
  const absl::Status made = RunAndCollect(initdb, options_.start_timeout).status();
  if (ErrorReason(made) == "PROGRAM_NOT_FOUND") {
    return Refused(absl::StrCat("there is no initdb in ", options_.bindir),
                   "install PostgreSQL's server package of the version that was dumped, or name it with --pg-bindir");
  }
  return Annotate(made, "cannot make a server for the drill");
}

absl::Status ScratchCluster::StartServer(Cancellation& cancellation) {
  ChildOptions postgres;
  postgres.argv = {options_.bindir + "/postgres", "-D", directory_ + "/data"};
  for (const std::string& setting :
       {std::string("listen_addresses="), absl::StrCat("unix_socket_directories=\"", directory_, "\""),
        std::string("unix_socket_permissions=0700"), std::string("fsync=off"), std::string("full_page_writes=off"),
        std::string("synchronous_commit=off"), std::string("wal_level=minimal"), std::string("max_wal_senders=0"),
        std::string("autovacuum=off"), std::string("shared_buffers=128MB"), std::string("max_connections=80"),
        std::string("max_locks_per_transaction=1024"), std::string("max_wal_size=4GB"), std::string("jit=off")}) {
    postgres.argv.insert(postgres.argv.end(), {"-c", setting});
  }
  postgres.environment = {{"PATH", "/usr/bin:/bin"}, {"LC_ALL", "C"}};
  postgres.run_as_user = run_as_;
  postgres.pipe_stdout = false;
  postgres.death_signal = SIGQUIT;  // Immediate shutdown: there is nothing to keep.
  ASSIGN_OR_RETURN(server_, ChildProcess::Start(postgres));
  target_.url = absl::StrCat("postgresql://", kSuperuser, "@/postgres?host=", EncodeSegment(directory_));
  ASSIGN_OR_RETURN(const Conninfo conninfo, Conninfo::Parse(target_));
  const absl::Duration give_up = Clock::Real().Monotonic() + options_.start_timeout;
  while (Clock::Real().Monotonic() < give_up && !cancellation.cancelled()) {
    if (PgSession::Connect(conninfo, kConnectTimeout, &cancellation).ok()) {
      return absl::OkStatus();
    }
    if (const std::optional<ExitStatus> ended = server_->Wait(kPoll, &cancellation)) {
      return JobError(v1::INTERNAL, absl::StrCat("the drill's server ", ended->ToString()), "",
                      server_->stderr_lines());
    }
  }
  return cancellation.cancelled()
             ? JobError(v1::CANCELLED_BY_USER, absl::StrCat("cancelled: ", cancellation.reason()))
             : JobError(v1::INTERNAL, "the drill's server takes no connections", "", server_->stderr_lines());
}

void RemoveAbandonedClusters(const std::string& work_directory) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(work_directory, error)) {
    if (!absl::StartsWith(entry.path().filename().string(), kPrefix) || entry.is_symlink(error)) {
      continue;
    }
    // One that is at work holds its lock. Without a lock file somebody is just making it, or it is not ours.
    std::error_code ignored;
    if (!std::filesystem::exists(LockOf(entry.path().string()), ignored) ||
        !FileLock::Acquire(LockOf(entry.path().string()), "an abandoned drill").ok()) {
      continue;
    }
    std::filesystem::remove_all(entry.path(), ignored);
  }
}

}  // namespace backup::agent
