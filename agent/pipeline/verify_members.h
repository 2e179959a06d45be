// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "agent/pipeline/stages.h"
#include "agent/pipeline/stored_directory.h"
#include "agent/pipeline/verify_file.h"
#include "backup/v1/manifest.pb.h"
#include "base/cancellation.h"

namespace backup::agent {

// Reads back a file that has an index, its members decoded by several threads: its size, the SHA-256 of its stored
// bytes, every member decoded and exactly as long as `index` says, the length and the hash of the text. That text also
// goes to `plain`, in order, from one thread at a time. CORRUPT naming the file and the offset of the damaged member.
absl::Status VerifyMembers(const StoredDirectory& directory, const v1::ArtifactFile& file,
                           const std::vector<MemberOffset>& index, const VerifyFileOptions& options,
                           Cancellation& cancellation, ByteSink& plain);

}  // namespace backup::agent
