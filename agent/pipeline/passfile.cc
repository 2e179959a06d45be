// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/passfile.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "agent/pipeline/job_failure.h"

namespace backup::agent {

absl::StatusOr<Passfile> Passfile::Create(absl::string_view password) {
  if (access("/proc/self/fd", X_OK) != 0) {
    return JobError(v1::INTERNAL, "cannot hand the password to pg_dump: /proc is not mounted",
                    "mount /proc, or log in without a password");
  }
  FileDescriptor fd(memfd_create("passfile", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  // libpq ignores a password file that others may read.
  if (!fd.valid() || fchmod(fd.get(), 0600) != 0) {
    return backup::ErrnoToStatus(errno, "cannot make a password file in memory");
  }
  const std::string line =
      absl::StrCat("*:*:*:*:", absl::StrReplaceAll(password, {{"\\", "\\\\"}, {":", "\\:"}}), "\n");
  if (write(fd.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    return backup::ErrnoToStatus(errno, "cannot write a password file in memory");
  }
  if (fcntl(fd.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0) {
    return backup::ErrnoToStatus(errno, "cannot seal the password file in memory");
  }
  return Passfile(std::move(fd));
}

}  // namespace backup::agent
