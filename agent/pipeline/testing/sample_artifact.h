// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "absl/strings/string_view.h"
#include "backup/v1/manifest.pb.h"

namespace backup::agent::testing {

// Publishes an artifact made of sample_dump.h's texts through the pipeline's own stages; no server is needed. Ends the
// program when it cannot. Returns its directory.
std::string MakeSampleArtifact(const std::string& root, absl::string_view agent, absl::string_view database,
                               absl::string_view backup_id, v1::Codec codec = v1::GZIP);

// Changes the manifest of an artifact and makes the sums fit: as somebody would who covers the tracks. Ends the program
// when it cannot.
void ForgeManifest(const std::string& artifact_directory, const std::function<void(v1::Manifest*)>& change);

}  // namespace backup::agent::testing
