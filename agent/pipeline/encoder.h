// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/pipeline/block_pipeline.h"
#include "agent/pipeline/hash128.h"
#include "agent/pipeline/member_coder.h"
#include "agent/pipeline/stages.h"
#include "backup/v1/manifest.pb.h"

namespace backup::agent {

// A member holds about this much plain text; it ends with a whole line where lines are not longer than this.
inline constexpr size_t kMemberPlainBytes = 1 << 20;
// The most that one holds, and so the most that a decoder must take.
inline constexpr size_t kMaxMemberPlainBytes = 2 * kMemberPlainBytes;

struct EncoderOptions {
  v1::Codec codec = v1::GZIP;
  int level = 0;         // As MakeMemberEncoder takes it.
  int thread_count = 0;  // With 0 the thread that writes does the work.
  size_t max_blocks = 8;
};

// The stage that makes stored bytes from plain ones, as a row of members. Compression runs on threads of its own; what
// they made goes to the output in order, from one thread at a time.
class Encoder : public ByteSink {
 public:
  // Borrows `output`. COMPRESSION_UNSUPPORTED as MakeMemberEncoder.
  static absl::StatusOr<std::unique_ptr<Encoder>> Create(const EncoderOptions& options, ByteSink* output);

  absl::Status Write(absl::string_view bytes) override;
  // What is written from here on goes into a new member. No effect when nothing was written since the last one began.
  void StartMember();
  // An empty input gives one empty member.
  absl::Status Finish() override;

  // Of what was handed to the output; any thread may ask.
  int64_t stored_bytes() const;

  // After Finish. Members in the order of the file; empty for codec NONE.
  const std::vector<MemberOffset>& members() const { return members_; }
  // One for each member.
  const std::vector<Hash128>& hashes() const { return hashes_; }
  int64_t plain_bytes() const { return plain_bytes_; }

 private:
  Encoder(v1::Codec codec, ByteSink* output) : codec_(codec), output_(output) {}
  // The thread of the pipeline that has the next block in order.
  absl::Status Take(const Block& block);
  void PutBlock();

  const v1::Codec codec_;
  ByteSink* const output_;
  std::unique_ptr<Block> block_;  // That is being filled.
  bool any_block_ = false;
  // Changed in Take only.
  std::vector<MemberOffset> members_;
  std::vector<Hash128> hashes_;
  int64_t plain_bytes_ = 0;
  std::atomic<int64_t> stored_bytes_ = 0;
  std::unique_ptr<BlockPipeline> pipeline_;  // Last: its threads use the rest.
};

// The ending that a stored file has: ".gz", ".zst", or "" for NONE.
const char* FileExtension(v1::Codec codec);

}  // namespace backup::agent
