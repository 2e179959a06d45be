// SPDX-License-Identifier: Apache-2.0
#include "agent/config_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/status_macros.h"

namespace backup::agent {
namespace {

absl::Status CheckMode(const std::string& file, mode_t forbidden, absl::string_view why) {
  struct stat info;
  if (stat(file.c_str(), &info) != 0) {
    return ErrnoToStatus(errno, absl::StrCat("cannot look at ", file));
  }
  if (!S_ISREG(info.st_mode)) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "CONFIG_UNSAFE",
                     absl::StrCat(file, " is not a regular file"));
  }
  if (info.st_uid != 0 && info.st_uid != geteuid()) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "CONFIG_UNSAFE",
                     absl::StrCat(file, " belongs to user ", info.st_uid, ", who is neither root nor the agent's user"),
                     absl::StrCat("chown root ", file));
  }
  if (info.st_uid == 0) {
    forbidden &= ~mode_t{S_IRGRP};
  }
  if ((info.st_mode & forbidden) != 0) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "CONFIG_UNSAFE",
                     absl::StrCat(file, " ", why, " (mode ", absl::StrFormat("%04o", info.st_mode & 07777), ")"),
                     absl::StrCat("chmod ", info.st_uid == 0 ? "640 " : "600 ", file));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckPasswordFile(const std::string& file) {
  return CheckMode(file, 077, "holds a password and may be read or written by others");
}

absl::Status CheckConfigFile(const std::string& file, bool has_password) {
  return has_password ? CheckPasswordFile(file) : CheckMode(file, 022, "may be written by others");
}

}  // namespace backup::agent
