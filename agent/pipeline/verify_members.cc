// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/verify_members.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "agent/pipeline/block_pipeline.h"
#include "agent/pipeline/encoder.h"
#include "agent/pipeline/hash128.h"
#include "agent/pipeline/job_failure.h"
#include "agent/pipeline/member_coder.h"
#include "agent/pipeline/sha256.h"
#include "base/errors.h"
#include "base/status_macros.h"

namespace backup::agent {
namespace {

constexpr size_t kBlockCount = 8;

// The index against the sizes of the file: so that what is read by it is neither endless nor outside.
absl::Status CheckIndex(const v1::ArtifactFile& file, const std::vector<MemberOffset>& index) {
  if (static_cast<int64_t>(index.size()) != file.member_count()) {
    return DamagedFile(file, absl::StrCat("its index has ", index.size(), " members, not the ", file.member_count(),
                                          " of the manifest"));
  }
  for (size_t i = 0; i < index.size(); ++i) {
    const MemberOffset end =
        i + 1 < index.size() ? index[i + 1] : MemberOffset{file.stored_bytes(), file.plain_bytes()};
    const int64_t plain_bytes = end.plain - index[i].plain;
    const int64_t stored_bytes = end.stored - index[i].stored;
    if (stored_bytes <= 0 || stored_bytes > static_cast<int64_t>(2 * kMaxMemberPlainBytes) || plain_bytes < 0 ||
        plain_bytes > static_cast<int64_t>(kMaxMemberPlainBytes)) {
      return DamagedFile(
          file, absl::StrCat("at offset ", index[i].stored, ": its index cannot be right about member ", i + 1));
    }
  }
  return absl::OkStatus();
}

// Cuts stored bytes into members, and hashes them as they pass.
class MemberCutter : public ByteSink {
 public:
  MemberCutter(const v1::ArtifactFile& file, const std::vector<MemberOffset>& index, BlockPipeline& pipeline)
      : file_(file), index_(index), pipeline_(pipeline) {}

  absl::Status Write(absl::string_view bytes) override {
    hash_.Update(bytes);
    while (!bytes.empty()) {
      if (block_ == nullptr && next_ == index_.size()) {
        return DamagedFile(file_, absl::StrCat("at offset ", file_.stored_bytes(), ": it goes on beyond its end"));
      }
      if (block_ == nullptr) {
        RETURN_IF_ERROR(BeginMember());
      }
      const size_t taken = std::min(bytes.size(), stored_wanted_ - block_->stored_size);
      std::memcpy(block_->stored.data() + block_->stored_size, bytes.data(), taken);
      block_->stored_size += taken;
      bytes.remove_prefix(taken);
      if (block_->stored_size == stored_wanted_) {
        pipeline_.Put(std::move(block_));
      }
    }
    return absl::OkStatus();
  }
  absl::Status Finish() override {
    if (block_ != nullptr || next_ != index_.size()) {
      return DamagedFile(file_, "it ends within a member");
    }
    return pipeline_.Finish();
  }
  std::string FinishHex() { return hash_.FinishHex(); }

 private:
  absl::Status BeginMember() {
    ASSIGN_OR_RETURN(block_, pipeline_.Get());
    const MemberOffset begin = index_[next_];
    ++next_;
    const MemberOffset end =
        next_ < index_.size() ? index_[next_] : MemberOffset{file_.stored_bytes(), file_.plain_bytes()};
    stored_wanted_ = static_cast<size_t>(end.stored - begin.stored);
    block_->stored.resize(std::max(block_->stored.size(), stored_wanted_));
    block_->plain_size = static_cast<size_t>(end.plain - begin.plain);
    block_->number = next_;
    block_->stored_offset = begin.stored;
    return absl::OkStatus();
  }

  const v1::ArtifactFile& file_;
  const std::vector<MemberOffset>& index_;
  BlockPipeline& pipeline_;
  Sha256 hash_;
  std::unique_ptr<Block> block_;
  size_t next_ = 0;
  size_t stored_wanted_ = 0;
};

}  // namespace

absl::Status VerifyMembers(const StoredDirectory& directory, const v1::ArtifactFile& file,
                           const std::vector<MemberOffset>& index, const VerifyFileOptions& options,
                           Cancellation& cancellation, ByteSink& plain) {
  ASSIGN_OR_RETURN(const int64_t bytes, directory.FileBytes(file.name()));
  if (bytes != file.stored_bytes()) {
    return DamagedFile(file, absl::StrCat("at offset ", std::min(bytes, file.stored_bytes()), ": it has ", bytes,
                                          " bytes, not the ", file.stored_bytes(), " of the manifest"));
  }
  RETURN_IF_ERROR(CheckIndex(file, index));
  RETURN_IF_ERROR(MakeMemberDecoder(file.codec()).status());
  std::vector<Hash128> hashes;
  hashes.reserve(index.size());
  int64_t plain_bytes = 0;
  const auto make_work = [&file]() -> BlockPipeline::Work {
    return [&file, decoder = std::shared_ptr<MemberDecoder>(*MakeMemberDecoder(file.codec()))](Block& block) {
      if (absl::Status status = decoder->Decode(block); !status.ok()) {
        return Annotate(status, absl::StrCat(file.name(), ": at offset ", block.stored_offset, ", where member ",
                                             block.number, " begins"));
      }
      block.plain_hash = HashOf(block.plain_text());
      return absl::OkStatus();
    };
  };
  BlockPipeline pipeline(options.thread_count, kBlockCount, make_work, [&](Block& block) {
    hashes.push_back(block.plain_hash);
    plain_bytes += static_cast<int64_t>(block.plain_size);
    if (options.on_progress) {
      options.on_progress(plain_bytes, block.stored_offset + static_cast<int64_t>(block.stored_size));
    }
    return plain.Write(block.plain_text());
  });
  MemberCutter cutter(file, index, pipeline);
  RETURN_IF_ERROR(directory.Stream(file.name(), options.drop_page_cache, cancellation, cutter));
  RETURN_IF_ERROR(cutter.Finish());
  if (cutter.FinishHex() != file.stored_sha256()) {
    return DamagedFile(
        file,
        absl::StrCat("its bytes are not those that were written: the SHA-256 differs, somewhere from offset 0 to ",
                     bytes, ", although it decodes"));
  }
  if (ToHex(HashOfMembers(hashes)) != file.plain_hash()) {
    return DamagedFile(
        file, absl::StrCat("its text is not what was written: the hash differs, somewhere from offset 0 to ", bytes));
  }
  return absl::OkStatus();
}

}  // namespace backup::agent
