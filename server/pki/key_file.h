// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace backup::server {

// Files of a directory that holds private keys. Errors are those of base/file.h unless said otherwise.

// Makes `path` with mode 0700, or sets that mode when it is there and ours. FAILED_PRECONDITION NOT_OURS when it
// belongs to somebody else or is no directory.
absl::Status MakePrivateDirectory(const std::string& path);

// Contents of a small file, "" when it is not there.
absl::StatusOr<std::string> ReadIfThere(const std::string& path);
// The same for a private key; FAILED_PRECONDITION PRIVATE_KEY_EXPOSED when group or others have any right to the file.
absl::StatusOr<std::string> ReadKeyIfThere(const std::string& path);

// Removes a file for good (the directory is synced); OK when it is not there.
absl::Status RemoveIfThere(const std::string& path);

}  // namespace backup::server
