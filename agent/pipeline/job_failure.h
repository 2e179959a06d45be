// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "backup/v1/run.pb.h"

namespace backup::agent {

// An error of the pipeline: its reason is the cause's name. `stderr_lines` are the child's last, already cleaned.
absl::Status JobError(v1::FailureCause cause, absl::string_view message, absl::string_view hint = "",
                      const std::vector<std::string>& stderr_lines = {});

// The same error with another hint.
absl::Status WithHint(const absl::Status& status, absl::string_view hint);

// The inverse, for reports: INTERNAL for an error that JobError did not make, except that DISK_FULL and IO of
// base/file.h keep their cause.
v1::Failure FailureFromStatus(const absl::Status& status);

}  // namespace backup::agent
