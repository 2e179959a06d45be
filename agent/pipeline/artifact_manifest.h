// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "agent/pipeline/stored_directory.h"
#include "backup/v1/manifest.pb.h"

namespace backup::agent {

// What an artifact says of itself.
struct ArtifactManifest {
  v1::Manifest manifest;
  std::string sha256;                       // Of the manifest's file.
  std::map<std::string, std::string> sums;  // SHA-256 by file name, from SHA256SUMS.
};

// Reads manifest and sums, no other file. CORRUPT when the manifest is not the one with `known_sha256` (what the
// catalog knows; "" to trust the file) or that of the sums, or belongs to a directory of another name.
absl::StatusOr<ArtifactManifest> ReadArtifactManifest(const StoredDirectory& directory, const std::string& known_sha256,
                                                      bool drop_page_cache);

// `path` as StoredDirectory::Open wants it: without slashes at its end.
std::string ArtifactPath(std::string path);

}  // namespace backup::agent
