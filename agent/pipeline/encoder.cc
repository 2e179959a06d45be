// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/encoder.h"

#include <algorithm>
#include <cstring>

#include "base/status_macros.h"

namespace backup::agent {
namespace {

// A block that is cut at the end of a line is a little longer than asked for; most lines fit in here.
constexpr size_t kUsualBlockBytes = kMemberPlainBytes + (64 << 10);

}  // namespace

absl::StatusOr<std::unique_ptr<Encoder>> Encoder::Create(const EncoderOptions& options, ByteSink* output) {
  RETURN_IF_ERROR(MakeMemberEncoder(options.codec, options.level).status());
  std::unique_ptr<Encoder> encoder(new Encoder(options.codec, output));
  const auto make_work = [options]() -> BlockPipeline::Work {
    return [coder = std::shared_ptr<MemberEncoder>(*MakeMemberEncoder(options.codec, options.level))](Block& block) {
      block.plain_hash = HashOf(block.plain_text());
      return coder->Encode(block);
    };
  };
  Encoder* const self = encoder.get();
  encoder->pipeline_ = std::make_unique<BlockPipeline>(options.thread_count, options.max_blocks, make_work,
                                                       [self](Block& block) { return self->Take(block); });
  return encoder;
}

absl::Status Encoder::Take(const Block& block) {
  if (codec_ != v1::NONE) {
    members_.push_back({stored_bytes_.load(), plain_bytes_});
    hashes_.push_back(block.plain_hash);
  }
  plain_bytes_ += static_cast<int64_t>(block.plain_size);
  stored_bytes_ += static_cast<int64_t>(block.stored_size);
  return output_->Write(block.stored_bytes());
}

absl::Status Encoder::Write(absl::string_view bytes) {
  while (!bytes.empty()) {
    if (block_ == nullptr) {
      ASSIGN_OR_RETURN(block_, pipeline_->Get());
      block_->plain.resize(std::max(block_->plain.size(), kUsualBlockBytes));
    }
    const size_t filled = block_->plain_size;
    // Up to the first line end beyond the member's size, but never beyond its greatest.
    const size_t wanted = kMemberPlainBytes - std::min(kMemberPlainBytes, filled);
    const size_t most = kMaxMemberPlainBytes - filled;
    size_t taken = bytes.size();
    bool whole = false;
    if (bytes.size() > wanted) {
      const size_t line_end = bytes.find('\n', wanted);
      whole = line_end != absl::string_view::npos || bytes.size() >= most;
      taken = std::min({line_end == absl::string_view::npos ? bytes.size() : line_end + 1, most, bytes.size()});
    }
    if (filled + taken > block_->plain.size()) {
      block_->plain.resize(std::min(kMaxMemberPlainBytes, 2 * (filled + taken)));
    }
    std::memcpy(block_->plain.data() + filled, bytes.data(), taken);
    block_->plain_size += taken;
    bytes.remove_prefix(taken);
    if (whole) {
      PutBlock();
    }
  }
  return absl::OkStatus();
}

void Encoder::PutBlock() {
  any_block_ = true;
  pipeline_->Put(std::move(block_));
}

void Encoder::StartMember() {
  if (block_ != nullptr) {
    PutBlock();
  }
}

absl::Status Encoder::Finish() {
  if (block_ == nullptr && !any_block_) {
    ASSIGN_OR_RETURN(block_, pipeline_->Get());
  }
  StartMember();
  return pipeline_->Finish();
}

int64_t Encoder::stored_bytes() const { return stored_bytes_.load(); }

const char* FileExtension(v1::Codec codec) {
  switch (codec) {
    case v1::GZIP:
      return ".gz";
    case v1::ZSTD:
      return ".zst";
    default:
      return "";
  }
}

}  // namespace backup::agent
