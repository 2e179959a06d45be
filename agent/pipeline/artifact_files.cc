// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/artifact_files.h"

#include <algorithm>
#include <array>

#include "absl/strings/strip.h"
#include "agent/pipeline/database_properties.h"
#include "agent/pipeline/manifest_file.h"
#include "agent/pipeline/restore_text.h"
#include "agent/pipeline/sha256_sums.h"

namespace backup::agent {

bool IsArtifactFile(absl::string_view name) {
  static constexpr std::array kPlain = {kManifestFile, kSumsFile, kRestoreFile, kPropertiesFile};
  if (std::find(kPlain.begin(), kPlain.end(), name) != kPlain.end()) {
    return true;
  }
  if (!absl::ConsumePrefix(&name, "dump.sql") && !absl::ConsumePrefix(&name, "globals.sql")) {
    return false;
  }
  absl::ConsumeSuffix(&name, ".gzi");
  return name.empty() || name == ".gz" || name == ".zst";
}

}  // namespace backup::agent
