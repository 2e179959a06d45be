// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/status.h"

namespace backup::agent {

// Who else may read or change the files that an agent trusts. FAILED_PRECONDITION CONFIG_UNSAFE, with the command that
// mends it as the hint; errors of base/file.h when the file cannot be looked at. Symbolic links are followed.

// A file with a secret in it: nobody but its owner may read or write it, except that a file of root's may be readable
// by its group (0640, as packages install it).
absl::Status CheckPasswordFile(const std::string& file);

// The configuration: nobody but its owner may write it; with a password in it, as CheckPasswordFile.
absl::Status CheckConfigFile(const std::string& file, bool has_password);

}  // namespace backup::agent
