// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace backup::agent {

// Name of the marker file in a repository's root.
inline constexpr char kMarkerFile[] = "backup-repository.json";

// Text of a marker.
std::string FormatMarker(absl::string_view id, absl::Time create_time);

// REPOSITORY_UNAVAILABLE unless `root` is a directory, no symlink, of this process's user or root, that nobody else may
// write to.
absl::Status CheckRoot(const std::string& root);

// REPOSITORY_UNAVAILABLE with `why` and the path.
absl::Status RepositoryUnavailable(absl::string_view root, absl::string_view why, absl::string_view hint);

}  // namespace backup::agent
