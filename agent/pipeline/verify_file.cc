// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/verify_file.h"

#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "agent/pipeline/decoder.h"
#include "agent/pipeline/job_failure.h"
#include "agent/pipeline/sha256.h"
#include "base/errors.h"
#include "base/status_macros.h"

namespace backup::agent {
namespace {

// Hashes plain text on its way to whoever reads it.
class PlainStage : public ByteSink {
 public:
  explicit PlainStage(ByteSink* next) : next_(next) {}
  absl::Status Write(absl::string_view bytes) override {
    hash_.Update(bytes);
    return next_ == nullptr ? absl::OkStatus() : next_->Write(bytes);
  }
  absl::Status Finish() override { return absl::OkStatus(); }
  std::string FinishHex() { return hash_.FinishHex(); }

 private:
  ByteSink* const next_;
  Sha256 hash_;
};

// Hashes stored bytes on their way into the decoder.
class StoredStage : public ByteSink {
 public:
  StoredStage(Decoder& decoder, const VerifyFileOptions& options) : decoder_(decoder), options_(options) {}
  absl::Status Write(absl::string_view bytes) override {
    hash_.Update(bytes);
    bytes_ += static_cast<int64_t>(bytes.size());
    RETURN_IF_ERROR(decoder_.Write(bytes));
    if (options_.on_progress) {
      options_.on_progress(decoder_.plain_bytes(), bytes_);
    }
    return absl::OkStatus();
  }
  absl::Status Finish() override { return decoder_.Finish(); }
  std::string FinishHex() { return hash_.FinishHex(); }

 private:
  Decoder& decoder_;
  const VerifyFileOptions& options_;
  Sha256 hash_;
  int64_t bytes_ = 0;
};

// Hashes stored bytes and no more.
class StoredBytes : public ByteSink {
 public:
  absl::Status Write(absl::string_view bytes) override {
    hash_.Update(bytes);
    return absl::OkStatus();
  }
  absl::Status Finish() override { return absl::OkStatus(); }
  std::string FinishHex() { return hash_.FinishHex(); }

 private:
  Sha256 hash_;
};

}  // namespace

absl::Status DamagedFile(const v1::ArtifactFile& file, absl::string_view why) {
  return JobError(v1::CORRUPT, absl::StrCat(file.name(), ": ", why), "make a new backup; do not rely on this one");
}

absl::StatusOr<std::vector<MemberOffset>> VerifyStoredFile(const StoredDirectory& directory,
                                                           const v1::ArtifactFile& file,
                                                           const VerifyFileOptions& options, Cancellation& cancellation,
                                                           ByteSink* plain) {
  ASSIGN_OR_RETURN(int64_t bytes, directory.FileBytes(file.name()));
  if (bytes != file.stored_bytes()) {
    return DamagedFile(file, absl::StrCat("at offset ", std::min(bytes, file.stored_bytes()), ": it has ", bytes,
                                          " bytes, not the ", file.stored_bytes(), " of the manifest"));
  }
  PlainStage plain_stage(plain);
  ASSIGN_OR_RETURN(std::unique_ptr<Decoder> decoder, MakeDecoder(file.codec(), file.plain_bytes(), &plain_stage));
  StoredStage stored_stage(*decoder, options);
  absl::Status status = directory.Stream(file.name(), options.drop_page_cache, cancellation, stored_stage);
  if (status.ok()) {
    status = stored_stage.Finish();
  }
  if (!status.ok()) {
    // The directory's own errors name the file already.
    return absl::StartsWith(std::string(status.message()), "at offset") ? Annotate(status, file.name()) : status;
  }
  if (decoder->plain_bytes() != file.plain_bytes()) {
    return DamagedFile(file, absl::StrCat("it decodes to ", decoder->plain_bytes(), " bytes, not to the ",
                                          file.plain_bytes(), " of the manifest"));
  }
  if (plain_stage.FinishHex() != file.plain_sha256()) {
    return DamagedFile(
        file, absl::StrCat("its plain text is not what was written: the SHA-256 differs, somewhere from offset 0 to ",
                           bytes));
  }
  if (stored_stage.FinishHex() != file.stored_sha256()) {
    return DamagedFile(
        file,
        absl::StrCat("its bytes are not those that were written: the SHA-256 differs, somewhere from offset 0 to ",
                     bytes, ", although it decodes"));
  }
  if (static_cast<int64_t>(decoder->members().size()) != file.member_count()) {
    return DamagedFile(file, absl::StrCat("it has ", decoder->members().size(), " members, not the ",
                                          file.member_count(), " of the manifest"));
  }
  return decoder->members();
}

absl::StatusOr<bool> HasStoredBytes(const StoredDirectory& directory, const v1::ArtifactFile& file,
                                    const VerifyFileOptions& options, Cancellation& cancellation) {
  ASSIGN_OR_RETURN(const int64_t bytes, directory.FileBytes(file.name()));
  if (bytes != file.stored_bytes()) {
    return false;
  }
  StoredBytes stored;
  RETURN_IF_ERROR(directory.Stream(file.name(), options.drop_page_cache, cancellation, stored));
  return stored.FinishHex() == file.stored_sha256();
}

}  // namespace backup::agent
