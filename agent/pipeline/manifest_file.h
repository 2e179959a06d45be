// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "backup/v1/manifest.pb.h"

namespace backup::agent {

// The file manifest.json: protobuf JSON of one Manifest, indented, with a line end.
inline constexpr char kManifestFile[] = "manifest.json";
inline constexpr int kManifestFormatVersion = 1;
// A list of a hundred thousand tables fits.
inline constexpr size_t kMaxManifestBytes = 64 << 20;

std::string FormatManifest(const v1::Manifest& manifest);

// CORRUPT for text that is not such a message, or one whose values contradict each other or cannot be: another format
// version, names that are no file names of ours, a file named twice, negative sizes, hashes that are none, no dump.
absl::StatusOr<v1::Manifest> ParseManifest(absl::string_view text);

// The file of `manifest` that holds the dump, and the one with the globals (null without).
const v1::ArtifactFile* FindDumpFile(const v1::Manifest& manifest);
const v1::ArtifactFile* FindGlobalsFile(const v1::Manifest& manifest);
// The index of the dump's members; null for codec NONE.
const v1::ArtifactFile* FindIndexFile(const v1::Manifest& manifest);

// All stored bytes of the files it lists.
int64_t TotalStoredBytes(const v1::Manifest& manifest);
// Rows in all its tables.
int64_t TotalRows(const v1::Manifest& manifest);

}  // namespace backup::agent
