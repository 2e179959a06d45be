// SPDX-License-Identifier: Apache-2.0
#include "tests/testing/mini_postgres.h"

#include <arpa/inet.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/resource_name.h"
#include "base/status_macros.h"

namespace backup::testing {
namespace {

constexpr absl::Duration kInitTimeout = absl::Seconds(120);
constexpr absl::Duration kStartTimeout = absl::Seconds(60);
constexpr absl::Duration kStopTimeout = absl::Seconds(60);
constexpr absl::Duration kReadyPoll = absl::Milliseconds(10);
constexpr int kSocketPort = 5432;

absl::Status TestError(absl::string_view message) {
  return MakeError(absl::StatusCode::kInternal, "MINI_POSTGRES", message);
}

// A server does not run as root.
std::optional<std::string> ServerUser() {
  if (geteuid() != 0) return std::nullopt;
  return std::string("postgres");
}

absl::StatusOr<std::string> FindBindir() {
  std::string found;
  int newest = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/usr/lib/postgresql", error)) {
    int version = 0;
    const std::string bindir = entry.path().string() + "/bin";
    if (!absl::SimpleAtoi(entry.path().filename().string(), &version) || version <= newest) continue;
    if (access(absl::StrCat(bindir, "/initdb").c_str(), X_OK) != 0) continue;
    newest = version;
    found = bindir;
  }
  if (found.empty()) return TestError("no initdb below /usr/lib/postgresql: install package postgresql");
  return found;
}

// Free when it was asked for; somebody may take it before the server does, so the caller tries again.
absl::StatusOr<int> PickTcpPort() {
  FileDescriptor fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  if (!fd.valid() || bind(fd.get(), reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    return TestError("cannot find a free port");
  }
  return ntohs(address.sin_port);
}

constexpr char kDirectoryPrefix[] = "mpg-";

// What clusters of killed test processes left behind; their servers died with them. The name holds the process id.
void RemoveLeftovers() {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/tmp", ignored)) {
    const std::string name = entry.path().filename().string();
    const std::vector<std::string> parts = absl::StrSplit(name, '-');
    pid_t owner = 0;
    if (parts.size() != 3 || absl::StrCat(parts[0], "-") != kDirectoryPrefix || !absl::SimpleAtoi(parts[1], &owner)) {
      continue;
    }
    if (owner > 0 && kill(owner, 0) != 0 && errno == ESRCH) std::filesystem::remove_all(entry.path(), ignored);
  }
}

struct ConnectionCloser {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct ResultCloser {
  void operator()(PGresult* result) const { PQclear(result); }
};

}  // namespace

MiniPostgres::MiniPostgres(MiniPostgresOptions options)
    : options_(std::move(options)), port_(options_.tcp ? 0 : kSocketPort) {}

MiniPostgres::~MiniPostgres() {
  Stop(StopMode::kImmediate).IgnoreError();
  server_.reset();
  std::error_code ignored;
  if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
}

absl::StatusOr<std::unique_ptr<MiniPostgres>> MiniPostgres::Create(MiniPostgresOptions options) {
  if (options.bindir.empty()) {
    ASSIGN_OR_RETURN(options.bindir, FindBindir());
  }
  std::unique_ptr<MiniPostgres> postgres(new MiniPostgres(std::move(options)));
  RETURN_IF_ERROR(postgres->MakeDirectory());
  RETURN_IF_ERROR(postgres->InitDatabase());
  RETURN_IF_ERROR(postgres->Start());
  return postgres;
}

absl::Status MiniPostgres::MakeDirectory() {
  RemoveLeftovers();
  // Not below TMPDIR: a socket's path has at most 107 bytes.
  std::string path = absl::StrCat("/tmp/", kDirectoryPrefix, getpid(), "-XXXXXX");
  if (mkdtemp(path.data()) == nullptr) return ErrnoToStatus(errno, "cannot make a directory in /tmp");
  directory_ = path;
  if (const std::optional<std::string> user = ServerUser()) {
    const passwd* entry = getpwnam(user->c_str());
    if (entry == nullptr) return TestError(absl::StrCat("there is no user \"", *user, "\" to run the server as"));
    if (chown(path.c_str(), entry->pw_uid, entry->pw_gid) != 0) return ErrnoToStatus(errno, "cannot chown " + path);
  }
  return absl::OkStatus();
}

ChildOptions MiniPostgres::Child(std::vector<std::string> argv) const {
  ChildOptions child;
  child.argv = std::move(argv);
  child.environment = {{"PATH", "/usr/bin:/bin"}, {"LC_ALL", "C"}, {"TZ", "UTC"}};
  child.directory = directory_;
  child.run_as_user = ServerUser();
  return child;
}

absl::Status MiniPostgres::InitDatabase() {
  RETURN_IF_ERROR(RunAndCollect(Child({options_.bindir + "/initdb", "--pgdata", data_directory(), "--username",
                                       kSuperuser, "--encoding", options_.encoding, "--locale", options_.locale,
                                       "--no-sync", "--auth", "trust", "--wal-segsize", "4"}),
                                kInitTimeout)
                      .status());
  std::ofstream hba(data_directory() + "/pg_hba.conf", std::ios::trunc);
  hba << "local all " << kSuperuser << " trust\n"
      << "local replication " << kSuperuser << " trust\n"
      << "local all all " << (options_.require_passwords ? "scram-sha-256" : "trust") << "\n"
      << "host all all 127.0.0.1/32 scram-sha-256\n";
  std::ofstream conf(data_directory() + "/postgresql.conf", std::ios::app);
  conf << "unix_socket_directories = '" << directory_ << "'\n"
       << "unix_socket_permissions = 0777\n"  // The directory above it is 0700.
       << "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"
       << "shared_buffers = 32MB\nmax_wal_size = 256MB\n"
       << "dynamic_shared_memory_type = mmap\n"  // So that nothing stays in /dev/shm.
       << "password_encryption = 'scram-sha-256'\n"
       << "log_min_messages = fatal\nlogging_collector = off\n";
  for (const auto& [name, value] : options_.settings) conf << name << " = " << value << "\n";
  hba.close();
  conf.close();
  return hba.good() && conf.good() ? absl::OkStatus() : TestError("cannot write the server's configuration");
}

absl::Status MiniPostgres::Start() {
  if (server_ != nullptr) return absl::OkStatus();
  absl::Status status;
  for (int attempt = 0; attempt < 5; ++attempt) {
    const bool port_is_new = options_.tcp && port_ == 0;
    if (port_is_new) {
      ASSIGN_OR_RETURN(port_, PickTcpPort());
    }
    status = StartOnce();
    if (status.ok() || !port_is_new) return status;
    port_ = 0;
  }
  return status;
}

absl::Status MiniPostgres::StartOnce() {
  ChildOptions child =
      Child({options_.bindir + "/postgres", "-D", data_directory(), "-c",
             absl::StrCat("listen_addresses=", options_.tcp ? "127.0.0.1" : ""), "-p", absl::StrCat(port_)});
  child.pipe_stdout = false;
  child.death_signal = SIGQUIT;  // Immediate shutdown, which also frees its shared memory.
  ASSIGN_OR_RETURN(server_, ChildProcess::Start(child));
  absl::Status ready = AwaitReady();
  if (!ready.ok()) server_.reset();
  return ready;
}

absl::Status MiniPostgres::AwaitReady() {
  const absl::Time give_up = absl::Now() + kStartTimeout;
  const std::string url = Url();
  while (absl::Now() < give_up) {
    if (PQping(url.c_str()) == PQPING_OK) return absl::OkStatus();
    if (const std::optional<ExitStatus> exit = server_->Wait(kReadyPoll)) {
      return TestError(
          absl::StrCat("postgres ", exit->ToString(), ": ", absl::StrJoin(server_->stderr_lines(), " | ")));
    }
  }
  return TestError("postgres takes no connections");
}

absl::Status MiniPostgres::Stop(StopMode mode) {
  if (server_ == nullptr) return absl::OkStatus();
  server_->Kill(mode == StopMode::kFast ? SIGINT : SIGQUIT);
  const bool ended = server_->Wait(kStopTimeout).has_value();
  server_.reset();
  return ended ? absl::OkStatus() : TestError("postgres did not stop and was killed");
}

absl::Status MiniPostgres::Restart(StopMode mode) {
  RETURN_IF_ERROR(Stop(mode));
  return Start();
}

std::string MiniPostgres::Url(absl::string_view database, absl::string_view user) const {
  return absl::StrCat("postgresql://", EncodeSegment(user), "@/", EncodeSegment(database), "?host=", directory_,
                      "&port=", port_);
}

std::string MiniPostgres::TcpUrl(absl::string_view database, absl::string_view user, absl::string_view password) const {
  return absl::StrCat("postgresql://", EncodeSegment(user), ":", EncodeSegment(password), "@127.0.0.1:", port_, "/",
                      EncodeSegment(database));
}

absl::Status MiniPostgres::Execute(const std::string& sql, absl::string_view database) const {
  return Query(sql, database).status();
}

absl::StatusOr<std::string> MiniPostgres::Query(const std::string& sql, absl::string_view database) const {
  const std::unique_ptr<PGconn, ConnectionCloser> connection(PQconnectdb(Url(database).c_str()));
  if (PQstatus(connection.get()) != CONNECTION_OK) return TestError(PQerrorMessage(connection.get()));
  PQsetNoticeProcessor(
      connection.get(), [](void*, const char*) {}, nullptr);
  const std::unique_ptr<PGresult, ResultCloser> result(PQexec(connection.get(), sql.c_str()));
  switch (PQresultStatus(result.get())) {
    case PGRES_TUPLES_OK:
      return PQntuples(result.get()) == 0 ? std::string() : std::string(PQgetvalue(result.get(), 0, 0));
    case PGRES_COMMAND_OK:
    case PGRES_EMPTY_QUERY:
      return std::string();
    default:
      return TestError(absl::StripAsciiWhitespace(PQresultErrorMessage(result.get())));
  }
}

}  // namespace backup::testing
