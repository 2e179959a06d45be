// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/file.h"

namespace backup::agent {

// Directories under a repository's root, opened one component at a time without ever following a symlink, so that
// nothing is written or removed outside of the root.

// What a directory in the making is called: this, then the backup's id.
inline constexpr char kPartialPrefix[] = ".partial-";

// Opens the directory `name` in `parent_fd` (AT_FDCWD with a path: only its last component is protected).
absl::StatusOr<FileDescriptor> OpenDirectory(int parent_fd, const std::string& name);

// The same, making it (0700, durably) when it is missing.
absl::StatusOr<FileDescriptor> OpenOrMakeDirectory(int parent_fd, const std::string& name);

// Removes a directory that holds files only, and the files. A symlink in it is removed, not followed. OK when it is not
// there.
absl::Status RemoveFlatDirectory(int parent_fd, const std::string& name);

// Names in an open directory, sorted, without "." and "..".
absl::StatusOr<std::vector<std::string>> ListNames(int directory_fd);

}  // namespace backup::agent
