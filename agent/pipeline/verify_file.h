// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "agent/pipeline/stages.h"
#include "agent/pipeline/stored_directory.h"
#include "backup/v1/manifest.pb.h"
#include "base/cancellation.h"

namespace backup::agent {

// How the bytes of one stored file are read back.
struct VerifyFileOptions {
  bool drop_page_cache = true;
  int thread_count = 0;  // For decoding members.
  // Called now and then with the counts of decoded and stored bytes; may be empty.
  std::function<void(int64_t plain_bytes, int64_t stored_bytes)> on_progress;
};

// CORRUPT: what is wrong with the file, and where.
absl::Status DamagedFile(const v1::ArtifactFile& file, absl::string_view why);

// Reads one file back: its size, the SHA-256 of its stored bytes, every member decoded, the length and SHA-256 of the
// plain text. That text also goes to `plain` (may be null). Returns the members found. CORRUPT naming the file and,
// where it can be known, the offset of the damage.
absl::StatusOr<std::vector<MemberOffset>> VerifyStoredFile(const StoredDirectory& directory,
                                                           const v1::ArtifactFile& file,
                                                           const VerifyFileOptions& options, Cancellation& cancellation,
                                                           ByteSink* plain);

// Whether the file has the size and the SHA-256 of its stored bytes. CORRUPT when it is not there or is no file.
absl::StatusOr<bool> HasStoredBytes(const StoredDirectory& directory, const v1::ArtifactFile& file,
                                    const VerifyFileOptions& options, Cancellation& cancellation);

}  // namespace backup::agent
