// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include "absl/status/statusor.h"
#include "base/child_process.h"
#include "base/file.h"

namespace backup {

// A child that was just started. Only for child_process.cc.
struct SpawnedChild {
  pid_t pid = -1;
  FileDescriptor pidfd;
  FileDescriptor stdout_pipe;  // Read end, non-blocking; not valid without pipe_stdout.
  FileDescriptor stderr_pipe;  // Read end; not valid when stderr goes elsewhere.
};

// As ChildProcess::Start.
absl::StatusOr<SpawnedChild> Spawn(const ChildOptions& options);

}  // namespace backup
