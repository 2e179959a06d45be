// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/dump_store.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace backup::agent {

absl::StatusOr<std::unique_ptr<DumpStore>> DumpStore::Create(ArtifactWriter& writer, const std::string& name,
                                                             DumpScanner::Kind kind, v1::Codec codec, int level) {
  std::unique_ptr<DumpStore> store(new DumpStore(kind));
  v1::ArtifactFile& file = store->result_.file;
  file.set_name(absl::StrCat(name, FileExtension(codec)));
  file.set_codec(codec);
  ASSIGN_OR_RETURN(store->file_, writer.CreateFile(file.name()));
  ASSIGN_OR_RETURN(store->encoder_, MakeEncoder(codec, level, store->file_.get()));
  return store;
}

absl::Status DumpStore::Write(absl::string_view bytes) {
  member_starts_.clear();
  RETURN_IF_ERROR(scanner_.Write(bytes, &member_starts_));
  plain_hash_.Update(bytes);
  size_t position = 0;
  for (const size_t start : member_starts_) {
    RETURN_IF_ERROR(encoder_->Write(bytes.substr(position, start - position)));
    RETURN_IF_ERROR(encoder_->StartMember());
    position = start;
  }
  return encoder_->Write(bytes.substr(position));
}

absl::Status DumpStore::Finish() {
  RETURN_IF_ERROR(encoder_->Finish());
  ASSIGN_OR_RETURN(result_.facts, scanner_.Finish());
  RETURN_IF_ERROR(file_->Finish());
  result_.members = encoder_->members();
  v1::ArtifactFile& file = result_.file;
  file.set_stored_bytes(file_->stored_bytes());
  file.set_plain_bytes(encoder_->plain_bytes());
  file.set_stored_sha256(file_->stored_sha256());
  file.set_plain_sha256(plain_hash_.FinishHex());
  file.set_member_count(static_cast<int64_t>(result_.members.size()));
  return absl::OkStatus();
}

}  // namespace backup::agent
