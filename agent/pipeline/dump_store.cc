// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/dump_store.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/pipeline/job_failure.h"
#include "base/status_macros.h"

namespace backup::agent {
namespace {

// Hashes what goes through it.
class HashingCopy : public ByteSink {
 public:
  explicit HashingCopy(ByteSink& next) : next_(next) {}
  absl::Status Write(absl::string_view bytes) override {
    hash_.Update(bytes);
    return next_.Write(bytes);
  }
  absl::Status Finish() override { return absl::OkStatus(); }
  std::string FinishHex() { return hash_.FinishHex(); }

 private:
  ByteSink& next_;
  Sha256 hash_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<DumpStore>> DumpStore::Create(ArtifactWriter& writer, const std::string& name,
                                                             DumpScanner::Kind kind, const EncoderOptions& options) {
  std::unique_ptr<DumpStore> store(new DumpStore(writer, kind, options));
  store->result_.file.set_name(name);
  store->result_.file.set_codec(options.codec);
  store->scanner_.emplace(kind);
  ASSIGN_OR_RETURN(store->file_, writer.CreateFile(name));
  RETURN_IF_ERROR(store->BeginEncoding());
  return store;
}

absl::Status DumpStore::BeginEncoding() {
  ASSIGN_OR_RETURN(encoder_, Encoder::Create(options_, file_.get()));
  return absl::OkStatus();
}

absl::Status DumpStore::Write(absl::string_view bytes) {
  member_starts_.clear();
  RETURN_IF_ERROR(scanner_->Write(bytes, &member_starts_));
  if (!has_index()) {
    plain_sha256_.Update(bytes);
  }
  size_t position = 0;
  for (const size_t start : member_starts_) {
    RETURN_IF_ERROR(encoder_->Write(bytes.substr(position, start - position)));
    encoder_->StartMember();
    position = start;
  }
  return encoder_->Write(bytes.substr(position));
}

absl::Status DumpStore::EndDump() {
  encoder_->StartMember();
  ASSIGN_OR_RETURN(DumpFacts facts, scanner_->Finish());
  result_.facts.Append(std::move(facts));
  scanner_.emplace(kind_);
  return absl::OkStatus();
}

absl::Status DumpStore::EndEncoding() {
  RETURN_IF_ERROR(encoder_->Finish());
  const int64_t stored_before = result_.file.stored_bytes();
  const int64_t plain_before = result_.file.plain_bytes();
  for (const MemberOffset& member : encoder_->members()) {
    result_.members.push_back({stored_before + member.stored, plain_before + member.plain});
  }
  result_.hashes.insert(result_.hashes.end(), encoder_->hashes().begin(), encoder_->hashes().end());
  result_.file.set_stored_bytes(stored_before + encoder_->stored_bytes());
  result_.file.set_plain_bytes(plain_before + encoder_->plain_bytes());
  encoder_ = nullptr;
  return absl::OkStatus();
}

absl::Status DumpStore::Append(const StoredDump& other) {
  if (encoder_ != nullptr) {
    RETURN_IF_ERROR(EndEncoding());
  }
  HashingCopy copy(*file_);
  RETURN_IF_ERROR(writer_.Drain(other.file.name(), copy));
  if (copy.FinishHex() != other.file.stored_sha256()) {
    return JobError(v1::IO, absl::StrCat("what was read back of ", other.file.name(), " is not what was written to it"),
                    "look for errors of the repository's disk in the kernel's log");
  }
  for (const MemberOffset& member : other.members) {
    result_.members.push_back({result_.file.stored_bytes() + member.stored, result_.file.plain_bytes() + member.plain});
  }
  result_.hashes.insert(result_.hashes.end(), other.hashes.begin(), other.hashes.end());
  result_.facts.Append(other.facts);
  result_.file.set_stored_bytes(result_.file.stored_bytes() + other.file.stored_bytes());
  result_.file.set_plain_bytes(result_.file.plain_bytes() + other.file.plain_bytes());
  return absl::OkStatus();
}

absl::Status DumpStore::Finish() {
  if (encoder_ != nullptr) {
    RETURN_IF_ERROR(EndEncoding());
  }
  RETURN_IF_ERROR(file_->Finish());
  Describe();
  return absl::OkStatus();
}

absl::Status DumpStore::FinishScratch() {
  RETURN_IF_ERROR(EndEncoding());
  RETURN_IF_ERROR(file_->FinishScratch());
  Describe();
  return absl::OkStatus();
}

void DumpStore::Describe() {
  v1::ArtifactFile& file = result_.file;
  file.set_stored_sha256(file_->stored_sha256());
  if (has_index()) {
    file.set_plain_hash(ToHex(HashOfMembers(result_.hashes)));
  } else {
    file.set_plain_sha256(options_.codec == v1::NONE ? file.stored_sha256() : plain_sha256_.FinishHex());
  }
  file.set_member_count(static_cast<int64_t>(result_.members.size()));
}

}  // namespace backup::agent
