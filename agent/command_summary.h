// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>
#include <string>

#include "absl/time/time.h"
#include "backup/v1/manifest.pb.h"

namespace backup::agent {

// Writes what a person wants to know of one artifact, a line for each fact. Clean text.
void PrintArtifactSummary(const v1::Manifest& manifest, const std::string& path, absl::Duration verify_duration,
                          std::ostream& out);

// The directory a one-shot command works on: `given`, else BACKUP_DIR of the environment, else /backups.
std::string RepositoryOrDefault(const std::string& given);

}  // namespace backup::agent
