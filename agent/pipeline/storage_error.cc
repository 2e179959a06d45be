// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/storage_error.h"

#include <errno.h>

#include "agent/pipeline/job_failure.h"
#include "base/file.h"

namespace backup::agent {

absl::Status StorageError(int error_number, absl::string_view what) {
  const std::string message(backup::ErrnoToStatus(error_number, what).message());
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return JobError(v1::DISK_FULL, message,
                      "free some space in the repository; nothing that is stored there was touched");
    case EROFS:
      return JobError(v1::IO, message, "the repository is mounted read-only");
    case EACCES:
    case EPERM:
      return JobError(v1::IO, message, "the repository must belong to the agent's user");
    default:
      return JobError(v1::IO, message, "look at the kernel's log for faults of the disk");
  }
}

}  // namespace backup::agent
