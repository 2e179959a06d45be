// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/pipeline/stages.h"
#include "agent/pipeline/stored_directory.h"
#include "backup/v1/manifest.pb.h"
#include "base/cancellation.h"

namespace backup::agent {

// The text of a stored dump, of which any part can be read without the rest: only the members that hold it are. Errors
// are those of StoredDirectory, and CORRUPT for a member that cannot be decoded. Thread-safe.
class StoredText {
 public:
  // Reads the index, CORRUPT when it is not that of the manifest. The artifact should have been verified.
  static absl::StatusOr<StoredText> Open(const std::string& artifact_directory, const v1::Manifest& manifest);

  // Streams the bytes from `begin` up to `end` of the text into `sink`, without finishing it. One call uses the memory
  // of one member. `cancellation` is asked between members.
  absl::Status Read(int64_t begin, int64_t end, Cancellation& cancellation, ByteSink& sink) const;

  int64_t plain_bytes() const { return file_.plain_bytes(); }

 private:
  StoredText(StoredDirectory directory, v1::ArtifactFile file)
      : directory_(std::move(directory)), file_(std::move(file)) {}

  // Where member `number` begins; its end for number + 1.
  MemberOffset OffsetOf(size_t number) const;

  StoredDirectory directory_;
  v1::ArtifactFile file_;
  std::vector<MemberOffset> members_;  // For codec NONE: pieces of one size.
};

}  // namespace backup::agent
