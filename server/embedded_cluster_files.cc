// SPDX-License-Identifier: Apache-2.0
#include "server/embedded_cluster_files.h"

#include <poll.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "base/working_directory.h"

namespace backup::server {
namespace {

constexpr size_t kLongestSocketPath = 107;
constexpr char kShortSocketPrefix[] = "/tmp/backupctl-catalog-";

absl::Status Refused(absl::string_view reason, absl::string_view message, absl::string_view hint) {
  return MakeError(absl::StatusCode::kFailedPrecondition, reason, message, hint);
}

absl::Status GiveTo(const std::string& path, const std::optional<std::string>& owner) {
  if (!owner.has_value()) return absl::OkStatus();
  const passwd* entry = getpwnam(owner->c_str());
  if (entry == nullptr) return absl::InternalError(absl::StrCat("user ", *owner, " is gone"));
  if (chown(path.c_str(), entry->pw_uid, entry->pw_gid) == 0) return absl::OkStatus();
  return ErrnoToStatus(errno, absl::StrCat("cannot give ", path, " to user ", *owner));
}

bool HasPrograms(const std::string& bindir) {
  return access((bindir + "/initdb").c_str(), X_OK) == 0 && access((bindir + "/postgres").c_str(), X_OK) == 0;
}

// Whether the process is a postmaster of this cluster: works in its directory, as each does, or was started for it. A
// container may not let us see the first.
bool IsServerOf(int64_t pid, const std::string& cluster) {
  std::error_code error;
  const std::filesystem::path directory = std::filesystem::read_symlink(absl::StrCat("/proc/", pid, "/cwd"), error);
  if (!error) return std::filesystem::equivalent(directory, cluster, error) && !error;
  const absl::StatusOr<std::string> command = ReadFile(absl::StrCat("/proc/", pid, "/cmdline"), 1 << 16);
  if (!command.ok()) return false;
  const std::vector<std::string> words = absl::StrSplit(*command, '\0');
  return absl::EndsWith(words[0], "/postgres") && std::find(words.begin(), words.end(), cluster) != words.end();
}

}  // namespace

absl::StatusOr<std::optional<std::string>> ChooseClusterUser(const std::string& wanted) {
  if (geteuid() != 0) return std::optional<std::string>();
  const passwd* entry = getpwnam(wanted.c_str());
  if (entry != nullptr && entry->pw_uid != 0) return std::optional<std::string>(wanted);
  return Refused("CATALOG_USER_MISSING",
                 absl::StrCat("the private catalog cannot run as root, and there is no ordinary user \"", wanted, "\""),
                 "install package postgresql, which makes the user postgres, or name another with --catalog-user");
}

absl::Status MakeOwnedDirectory(const std::string& path, const std::optional<std::string>& owner) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  if (!parent.empty()) RETURN_IF_ERROR(MakeDirectories(parent, owner.has_value() ? 0755 : 0700));
  RETURN_IF_ERROR(MakeDirectories(path, 0700));
  return GiveTo(path, owner);
}

absl::Status CheckReachable(const std::string& path, const std::optional<std::string>& user) {
  if (!user.has_value()) return absl::OkStatus();
  const passwd* entry = getpwnam(user->c_str());
  if (entry == nullptr) return absl::InternalError(absl::StrCat("user ", *user, " is gone"));
  std::filesystem::path above = std::filesystem::absolute(path).parent_path();
  while (true) {
    struct stat info;
    if (stat(above.c_str(), &info) != 0) return ErrnoToStatus(errno, absl::StrCat("cannot look at ", above.string()));
    const mode_t enter = info.st_uid == entry->pw_uid ? S_IXUSR : info.st_gid == entry->pw_gid ? S_IXGRP : S_IXOTH;
    if ((info.st_mode & enter) == 0) {
      return Refused("CATALOG_DIRECTORY_UNREACHABLE",
                     absl::StrCat("user ", *user, ", who runs the private catalog, cannot enter ", above.string()),
                     absl::StrCat("choose another --data-dir, or allow it: chmod o+x ", above.string()));
    }
    if (above == above.root_path()) return absl::OkStatus();
    above = above.parent_path();
  }
}

bool SocketPathFits(absl::string_view directory) {
  return directory.size() + sizeof("/.s.PGSQL.5432.lock") - 1 <= kLongestSocketPath &&
         !absl::StrContains(directory, ',');
}

absl::StatusOr<std::string> MakeShortSocketDirectory(const std::string& note, const std::optional<std::string>& owner) {
  RemoveShortSocketDirectory(note);
  std::string path = absl::StrCat(kShortSocketPrefix, "XXXXXX");
  if (mkdtemp(path.data()) == nullptr) return ErrnoToStatus(errno, "cannot make a directory in /tmp");
  RETURN_IF_ERROR(WriteFileAtomically(note, path));
  RETURN_IF_ERROR(GiveTo(path, owner));
  return path;
}

void RemoveShortSocketDirectory(const std::string& note) {
  const absl::StatusOr<std::string> path = ReadFile(note);
  if (!path.ok()) return;
  absl::string_view suffix = *path;
  // The note lies where the server's user can write: it must not lead us astray.
  if (!absl::ConsumePrefix(&suffix, kShortSocketPrefix) || suffix.find('/') != absl::string_view::npos) return;
  std::error_code ignored;
  std::filesystem::remove_all(*path, ignored);
  unlink(note.c_str());
}

absl::StatusOr<std::string> FindServerPrograms(const std::string& postgresql_root, const std::string& cluster) {
  if (absl::StatusOr<std::string> version = ReadFile(cluster + "/PG_VERSION", 64); version.ok()) {
    const std::string major(absl::StripAsciiWhitespace(*version));
    const std::string bindir = absl::StrCat(postgresql_root, "/", major, "/bin");
    if (HasPrograms(bindir)) return bindir;
    return Refused("CATALOG_PROGRAMS_MISSING",
                   absl::StrCat("the private catalog is of PostgreSQL ", major, ", whose programs are not in ", bindir),
                   absl::StrCat("install package postgresql-", major));
  }
  int newest = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(postgresql_root, error)) {
    int major = 0;
    if (absl::SimpleAtoi(entry.path().filename().string(), &major) && HasPrograms(entry.path().string() + "/bin")) {
      newest = std::max(newest, major);
    }
  }
  if (newest > 0) return absl::StrCat(postgresql_root, "/", newest, "/bin");
  return Refused("CATALOG_PROGRAMS_MISSING",
                 absl::StrCat("the private catalog needs initdb and postgres, and ", postgresql_root, " has none"),
                 "install package postgresql, or use a server of yours with --catalog");
}

absl::Status WriteClusterAccess(const std::string& cluster, absl::string_view database_user,
                                const std::optional<std::string>& owner) {
  const passwd* ours = getpwuid(geteuid());
  if (ours == nullptr) {
    return Refused("CATALOG_USER_MISSING", absl::StrCat("our own unix user, ", geteuid(), ", has no name"),
                   "PostgreSQL needs one: add it to /etc/passwd, or use a server of yours with --catalog");
  }
  std::string map = absl::StrCat("catalog ", ours->pw_name, " ", database_user, "\n");
  if (owner.has_value()) absl::StrAppend(&map, "catalog ", *owner, " ", database_user, "\n");
  const std::string ident = cluster + "/pg_ident.conf";
  const std::string access_rules = cluster + "/pg_hba.conf";
  RETURN_IF_ERROR(WriteFileAtomically(ident, map));
  RETURN_IF_ERROR(WriteFileAtomically(access_rules, "local all all peer map=catalog\n"));
  RETURN_IF_ERROR(GiveTo(ident, owner));
  return GiveTo(access_rules, owner);
}

std::vector<std::string> ServerSettings(const std::string& directory, const std::string& socket_directory) {
  return {"listen_addresses=", "port=5432",
          // A list: without quotes a comma would part it.
          absl::StrCat("unix_socket_directories=\"", absl::StrReplaceAll(socket_directory, {{"\"", "\"\""}}), "\""),
          "unix_socket_permissions=0700", "max_connections=50", "shared_buffers=256MB", "logging_collector=on",
          "log_directory=" + directory + "/log", "log_filename=postgresql-%a.log", "log_truncate_on_rotation=on",
          "log_rotation_age=1d", "cluster_name=backupctl-catalog"};
}

absl::Status AwaitPredecessor(const std::string& cluster, absl::Duration timeout) {
  const std::string lock_file = cluster + "/postmaster.pid";
  const absl::StatusOr<std::string> text = ReadFile(lock_file, 4096);
  if (!text.ok()) return absl::OkStatus();
  const std::vector<std::string> lines = absl::StrSplit(*text, '\n');
  int64_t pid = 0;
  if (!absl::SimpleAtoi(lines[0], &pid) || pid <= 1) return absl::OkStatus();
  const FileDescriptor process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!process.valid()) return absl::OkStatus();
  if (!IsServerOf(pid, cluster)) {
    // Another process got the number, after a reboot for instance, or nobody has waited for the dead one. PostgreSQL
    // would take either for its predecessor.
    if (!AwaitNobodyWorksIn(cluster, timeout)) {
      return Refused("CATALOG_DIRECTORY_BUSY", absl::StrCat("processes of a killed server still work in ", cluster),
                     "try again when they have ended");
    }
    if (unlink(lock_file.c_str()) == 0) return absl::OkStatus();
    return ErrnoToStatus(errno, absl::StrCat("cannot remove ", lock_file));
  }
  // Its controller is dead, since we hold the data directory. Should it not have been told, it is now.
  kill(static_cast<pid_t>(pid), SIGINT);
  pollfd ended = {process.get(), POLLIN, 0};
  if (poll(&ended, 1, static_cast<int>(absl::ToInt64Milliseconds(timeout))) == 1) return absl::OkStatus();
  return Refused(
      "CATALOG_DIRECTORY_BUSY",
      absl::StrCat("a PostgreSQL server (process ", pid, ") already works on ", cluster, " and does not stop"),
      absl::StrCat("look into its log; at worst: kill -QUIT ", pid));
}

}  // namespace backup::server
