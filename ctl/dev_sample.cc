// SPDX-License-Identifier: Apache-2.0
#include "ctl/dev_sample.h"

#include <pwd.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <optional>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/child_process.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "base/working_directory.h"
#include "ctl/dev_process.h"
#include "ctl/dev_sample_database.h"
#include "ctl/dev_wait.h"

namespace backup::ctl {
namespace {

constexpr char kServerUser[] = "postgres";
constexpr char kRole[] = "sample";

std::string DataDirectory(const DevLayout& layout) { return layout.sample_directory() + "/data"; }
// Written last: without it a cluster is one that was never finished.
std::string FinishedFile(const DevLayout& layout) { return layout.sample_directory() + "/finished"; }

// Runs one of PostgreSQL's programs as the server's user, and waits for its end.
absl::Status RunTool(std::vector<std::string> argv, bool is_root, const DevLayout& layout) {
  ChildOptions child;
  child.argv = std::move(argv);
  child.environment = {{"PATH", "/usr/bin:/bin"}, {"HOME", layout.sample_directory()}, {"LC_ALL", "C.UTF-8"}};
  if (is_root) child.run_as_user = kServerUser;
  const auto output = RunAndCollect(child, absl::Minutes(1));
  if (output.ok()) return absl::OkStatus();
  return MakeError(absl::StatusCode::kInternal, "DEV_SAMPLE_FAILED",
                   absl::StrCat("cannot make the sample database: ", output.status().message()));
}

absl::Status MakeOwnDirectory(const std::string& path, bool is_root) {
  RETURN_IF_ERROR(MakeDirectories(path, 0700));
  if (!is_root) return absl::OkStatus();
  const passwd* user = getpwnam(kServerUser);
  if (user == nullptr || chown(path.c_str(), user->pw_uid, user->pw_gid) != 0) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "POSTGRES_NOT_INSTALLED",
                     absl::StrCat("cannot give ", path, " to user ", kServerUser),
                     "install Debian's package postgresql-15, which makes that user");
  }
  return absl::OkStatus();
}

absl::Status StartServer(const DevLayout& layout, const std::string& bindir, bool is_root, Cancellation& interrupt) {
  const std::string process_file = layout.process_file("sample");
  if (!FindDetached(process_file).has_value()) {
    // The pid of a killed server that nobody has waited for looks alive to the next one, which would refuse to start.
    if (AwaitNobodyWorksIn(DataDirectory(layout), absl::Seconds(10))) {
      unlink((DataDirectory(layout) + "/postmaster.pid").c_str());
      unlink((layout.sample_directory() + "/.s.PGSQL.5432.lock").c_str());
    }
    DetachedOptions options;
    options.argv = {bindir + "/postgres", "-D", DataDirectory(layout),          "-k", layout.sample_directory(), "-c",
                    "listen_addresses=",  "-c", "unix_socket_permissions=0700", "-c", "logging_collector=off"};
    options.environment = {{"PATH", "/usr/bin:/bin"}, {"LC_ALL", "C.UTF-8"}};
    options.log_file = layout.log_of("sample");
    if (is_root) options.run_as_user = kServerUser;
    RETURN_IF_ERROR(StartDetached(options, process_file).status());
  }
  const bool ready = WaitUntil(absl::Seconds(30), interrupt, [&] {
    const std::optional<DetachedProcess> server = FindDetached(process_file);
    if (!server.has_value()) return true;
    // Its lock file begins with its pid (a crash leaves one of another), and tells at the end what it is doing.
    const auto state = ReadFile(DataDirectory(layout) + "/postmaster.pid");
    return state.ok() && absl::StartsWith(*state, absl::StrCat(server->pid, "\n")) &&
           absl::StrContains(*state, "\nready");
  });
  if (ready && FindDetached(process_file).has_value()) return absl::OkStatus();
  return MakeError(absl::StatusCode::kInternal, "DEV_SAMPLE_FAILED", "the sample server does not start",
                   absl::StrCat("see ", layout.log_of("sample")));
}

absl::Status LoadSample(const DevLayout& layout, const std::string& bindir, bool is_root) {
  // psql reads the file as the server's user.
  const std::string file = layout.sample_directory() + "/sample.sql";
  RETURN_IF_ERROR(WriteFileAtomically(file, SampleDatabaseSql(), 0644));
  const auto psql = [&](const std::string& database, std::vector<std::string> rest) {
    std::vector<std::string> argv = {bindir + "/psql",          "-X", "-q",  "-v", "ON_ERROR_STOP=1", "-h",
                                     layout.sample_directory(), "-U", kRole, "-d", database};
    argv.insert(argv.end(), rest.begin(), rest.end());
    return RunTool(std::move(argv), is_root, layout);
  };
  RETURN_IF_ERROR(psql("postgres", {"-c", absl::StrCat("DROP DATABASE IF EXISTS ", kSampleDatabaseName)}));
  RETURN_IF_ERROR(psql("postgres", {"-c", absl::StrCat("CREATE DATABASE ", kSampleDatabaseName)}));
  RETURN_IF_ERROR(psql(kSampleDatabaseName, {"-o", "/dev/null", "-f", file}));
  unlink(file.c_str());
  return WriteFileAtomically(FinishedFile(layout), "");
}

}  // namespace

absl::StatusOr<std::string> FindPostgresPrograms() {
  std::error_code error;
  int newest = 0;
  for (const auto& version : std::filesystem::directory_iterator("/usr/lib/postgresql", error)) {
    int number = 0;
    const std::filesystem::path bin = version.path() / "bin";
    if (absl::SimpleAtoi(version.path().filename().string(), &number) && number > newest &&
        access((bin / "initdb").c_str(), X_OK) == 0 && access((bin / "postgres").c_str(), X_OK) == 0) {
      newest = number;
    }
  }
  if (newest > 0) return absl::StrCat("/usr/lib/postgresql/", newest, "/bin");
  return MakeError(absl::StatusCode::kFailedPrecondition, "POSTGRES_NOT_INSTALLED",
                   "there is no PostgreSQL server under /usr/lib/postgresql",
                   "run deploy/dev/install-packages.sh run, or install Debian's package postgresql-15");
}

std::string SampleUrl(const DevLayout& layout) {
  return absl::StrCat("postgresql://", kRole, "@/", kSampleDatabaseName,
                      "?host=", EncodeSegment(layout.sample_directory()));
}

absl::Status EnsureSampleServer(const DevLayout& layout, bool is_root, Cancellation& interrupt) {
  ASSIGN_OR_RETURN(const std::string bindir, FindPostgresPrograms());
  const std::string socket = layout.sample_directory() + "/.s.PGSQL.5432";
  if (socket.size() >= sizeof(sockaddr_un::sun_path)) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "SOCKET_PATH_TOO_LONG",
                     absl::StrCat("the path of a socket cannot be as long as ", socket), "choose a shorter --dir DIR");
  }
  if (absl::StrContains(socket, ',')) {
    return MakeError(
        absl::StatusCode::kFailedPrecondition, "SOCKET_PATH_WITH_COMMA",
        absl::StrCat("PostgreSQL's clients read a comma as the end of a host, and there is one in ", socket),
        "choose another --dir DIR");
  }
  RETURN_IF_ERROR(MakeOwnDirectory(layout.sample_directory(), is_root));
  std::error_code error;
  const bool finished = std::filesystem::exists(FinishedFile(layout), error);
  if (!finished) {
    RETURN_IF_ERROR(StopDetached(layout.process_file("sample"), SIGQUIT, absl::Seconds(5), interrupt));
    std::filesystem::remove_all(DataDirectory(layout), error);
    RETURN_IF_ERROR(RunTool({bindir + "/initdb", "-D", DataDirectory(layout), "-U", kRole, "-E", "UTF8",
                             "--locale=C.UTF-8", "--auth=trust", "--no-sync", "--no-instructions"},
                            is_root, layout));
  }
  RETURN_IF_ERROR(StartServer(layout, bindir, is_root, interrupt));
  return finished ? absl::OkStatus() : LoadSample(layout, bindir, is_root);
}

}  // namespace backup::ctl
