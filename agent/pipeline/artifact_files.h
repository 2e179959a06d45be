// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/strings/string_view.h"

namespace backup::agent {

// What is on its way out of a repository is called this, then the backup's id: from then on it is no backup any more.
inline constexpr char kRemovingPrefix[] = ".removing-";

// Whether a file of this name may be part of an artifact, of whatever codec. Nothing else in an artifact's directory is
// ours to remove.
bool IsArtifactFile(absl::string_view name);

}  // namespace backup::agent
