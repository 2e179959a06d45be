// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace backup::agent {

// Exit code of a one-shot command for `status`, as backupctl's: 0 ok, 1 failed, 2 usage, 3 not found, 4 not allowed,
// 5 unreachable or out of time, 6 precondition, 8 the backup is bad, 130 interrupted.
int ExitCodeOf(const absl::Status& status);

// Writes "error: …", "reason: …", the hint and the child's last lines; returns ExitCodeOf.
int PrintCommandError(const absl::Status& status, std::ostream& err);

// The path of an artifact that a person means by `path`: absolute and without symlinks, where it can be found out.
// NOT_FOUND BACKUP_NOT_FOUND when nothing is there, or a directory that has neither the name nor the manifest of one;
// damage is for others to find.
absl::StatusOr<std::string> FindArtifact(const std::string& path);

// The command was called wrongly: exit code 2.
absl::Status UsageError(absl::string_view why, absl::string_view hint = "");

}  // namespace backup::agent
