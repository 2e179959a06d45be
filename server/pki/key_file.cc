// SPDX-License-Identifier: Apache-2.0
#include "server/pki/key_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/status_macros.h"

namespace backup::server {

absl::Status MakePrivateDirectory(const std::string& path) {
  RETURN_IF_ERROR(MakeDirectories(path, 0700));
  struct stat info = {};
  if (lstat(path.c_str(), &info) != 0) {
    return ErrnoToStatus(errno, absl::StrCat("cannot look at ", path));
  }
  if (!S_ISDIR(info.st_mode) || info.st_uid != geteuid()) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "NOT_OURS",
                     absl::StrCat(path, " is not a directory of the user that runs this program"),
                     "private keys go there: give it to that user, or choose another data directory");
  }
  if ((info.st_mode & 07777) != 0700 && chmod(path.c_str(), 0700) != 0) {
    return ErrnoToStatus(errno, absl::StrCat("cannot make ", path, " private"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadIfThere(const std::string& path) {
  absl::StatusOr<std::string> contents = ReadFile(path);
  if (absl::IsNotFound(contents.status())) {
    return std::string();
  }
  return contents;
}

absl::StatusOr<std::string> ReadKeyIfThere(const std::string& path) {
  struct stat info = {};
  if (lstat(path.c_str(), &info) == 0 && (info.st_mode & 077) != 0) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "PRIVATE_KEY_EXPOSED",
                     absl::StrCat("others may use the private key ", path, ", mode ", absl::Hex(info.st_mode >> 6 & 7),
                                  absl::Hex(info.st_mode >> 3 & 7), absl::Hex(info.st_mode & 7)),
                     absl::StrCat("if nobody read it: chmod 600 ", path));
  }
  return ReadIfThere(path);
}

absl::Status RemoveIfThere(const std::string& path) {
  if (unlink(path.c_str()) != 0) {
    return errno == ENOENT ? absl::OkStatus() : ErrnoToStatus(errno, absl::StrCat("cannot remove ", path));
  }
  return SyncDirectory(path.substr(0, path.rfind('/')));
}

}  // namespace backup::server
