// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/pipeline/artifact_writer.h"
#include "agent/pipeline/dump_scanner.h"
#include "agent/pipeline/encoder.h"
#include "agent/pipeline/hash128.h"
#include "agent/pipeline/sha256.h"
#include "agent/pipeline/stages.h"

namespace backup::agent {

// A stored dump and what was learned while it passed.
struct StoredDump {
  v1::ArtifactFile file;
  DumpFacts facts;
  std::vector<MemberOffset> members;
  std::vector<Hash128> hashes;
};

// The stage that plain dump text ends in: scanned, hashed, encoded and written, in one pass. The text is that of one
// dump, or of several that each tell a part of the same database (pg_dump --section). One thread at a time.
class DumpStore : public ByteSink {
 public:
  // Makes the file `name` in `writer`, which is borrowed.
  static absl::StatusOr<std::unique_ptr<DumpStore>> Create(ArtifactWriter& writer, const std::string& name,
                                                           DumpScanner::Kind kind, const EncoderOptions& options);

  absl::Status Write(absl::string_view bytes) override;
  // The text of one dump has ended. INCOMPLETE when it is not whole.
  absl::Status EndDump();
  // Adds what another store of the same codec has put into a file of its own; removes that file. After EndDump; after
  // it no more is written.
  absl::Status Append(const StoredDump& other);
  // Makes the file durable. After EndDump.
  absl::Status Finish() override;
  // For a file that another store will Append. After EndDump.
  absl::Status FinishScratch();
  // After Finish or FinishScratch; call once.
  StoredDump TakeResult() { return std::move(result_); }

  // Of the dump that is passing.
  const DumpScanner& scanner() const { return *scanner_; }
  // Before Append and Finish.
  int64_t stored_bytes() const { return encoder_->stored_bytes(); }

 private:
  DumpStore(ArtifactWriter& writer, DumpScanner::Kind kind, const EncoderOptions& options)
      : writer_(writer), kind_(kind), options_(options) {}

  absl::Status BeginEncoding();
  // Takes over what the encoder made.
  absl::Status EndEncoding();
  // Completes result_.file.
  void Describe();
  bool has_index() const { return kind_ == DumpScanner::Kind::kDatabase && options_.codec != v1::NONE; }

  ArtifactWriter& writer_;
  const DumpScanner::Kind kind_;
  const EncoderOptions options_;
  std::optional<DumpScanner> scanner_;
  Sha256 plain_sha256_;  // Of a file without an index.
  std::unique_ptr<ArtifactFileWriter> file_;
  std::unique_ptr<Encoder> encoder_;
  std::vector<size_t> member_starts_;
  StoredDump result_;
};

}  // namespace backup::agent
