// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/pipeline/artifact_writer.h"
#include "agent/pipeline/dump_scanner.h"
#include "agent/pipeline/encoder.h"
#include "agent/pipeline/sha256.h"
#include "agent/pipeline/stages.h"

namespace backup::agent {

// A stored dump and what was learned while it passed.
struct StoredDump {
  v1::ArtifactFile file;
  DumpFacts facts;
  std::vector<MemberOffset> members;
};

// The stage that plain dump text ends in: scanned, hashed, encoded and written, in one pass. One thread at a time.
class DumpStore : public ByteSink {
 public:
  // Makes the file `name` + the codec's ending in `writer`, which is borrowed.
  static absl::StatusOr<std::unique_ptr<DumpStore>> Create(ArtifactWriter& writer, const std::string& name,
                                                           DumpScanner::Kind kind, v1::Codec codec, int level);

  absl::Status Write(absl::string_view bytes) override;
  // Makes the file durable. INCOMPLETE when the dump is not whole.
  absl::Status Finish() override;
  // After Finish; call once.
  StoredDump TakeResult() { return std::move(result_); }

  const DumpScanner& scanner() const { return scanner_; }
  int64_t stored_bytes() const { return file_->stored_bytes(); }

 private:
  explicit DumpStore(DumpScanner::Kind kind) : scanner_(kind) {}

  DumpScanner scanner_;
  Sha256 plain_hash_;
  std::unique_ptr<ArtifactFileWriter> file_;
  std::unique_ptr<Encoder> encoder_;
  std::vector<size_t> member_starts_;
  StoredDump result_;
};

}  // namespace backup::agent
