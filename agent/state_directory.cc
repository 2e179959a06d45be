// SPDX-License-Identifier: Apache-2.0
#include "agent/state_directory.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/status_macros.h"

namespace backup::agent {
namespace {

absl::Status Unsafe(const std::string& path, absl::string_view why, absl::string_view hint) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "STATE_DIRECTORY_UNSAFE",
                   absl::StrCat("state directory ", path, " ", why), hint);
}

}  // namespace

std::string IdentityDirectory(absl::string_view state_directory) { return absl::StrCat(state_directory, "/identity"); }

absl::Status MakePrivateDirectory(const std::string& path) {
  RETURN_IF_ERROR(MakeDirectories(path, 0700));
  struct stat info;
  if (lstat(path.c_str(), &info) != 0) {
    return ErrnoToStatus(errno, absl::StrCat("cannot look at ", path));
  }
  if (!S_ISDIR(info.st_mode)) {
    return Unsafe(path, "is not a directory", "name the directory itself, not a symbolic link to it");
  }
  if (info.st_uid != geteuid()) {
    return Unsafe(path, absl::StrCat("belongs to user ", info.st_uid, ", not to the agent's user ", geteuid()),
                  absl::StrCat("run the agent as the directory's owner, or `chown` ", path));
  }
  if ((info.st_mode & 022) != 0) {
    return Unsafe(path, "may be written by others", absl::StrCat("chmod 700 ", path));
  }
  return absl::OkStatus();
}

absl::StatusOr<StateDirectory> StateDirectory::Open(const std::string& path) {
  RETURN_IF_ERROR(MakePrivateDirectory(path));
  ASSIGN_OR_RETURN(FileLock lock, FileLock::Acquire(path + "/lock", absl::StrCat("state directory ", path)));
  StateDirectory state(path, std::move(lock));
  for (const std::string& directory :
       {state.attempts(), state.spool(), state.logs(), state.refused(), state.corrupt()}) {
    RETURN_IF_ERROR(MakeDirectories(directory, 0700));
  }
  RETURN_IF_ERROR(SyncDirectory(path));
  return state;
}

}  // namespace backup::agent
