// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/gzip_encoder.h"

#include <isa-l/igzip_lib.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "agent/pipeline/encoder.h"
#include "agent/pipeline/job_failure.h"
#include "base/status_macros.h"

namespace backup::agent {
namespace {

constexpr size_t kOutputBytes = 128 << 10;
constexpr int64_t kMaxMemberPlainBytes = 2 * kMemberPlainBytes;

size_t LevelBufferBytes(int level) {
  switch (level) {
    case 1:
      return ISAL_DEF_LVL1_DEFAULT;
    case 2:
      return ISAL_DEF_LVL2_DEFAULT;
    default:
      return ISAL_DEF_LVL3_DEFAULT;
  }
}

}  // namespace

struct GzipEncoder::Stream {
  explicit Stream(int level_wanted)
      : level(level_wanted), level_buffer(LevelBufferBytes(level_wanted)), output(kOutputBytes) {}

  void Begin() {
    isal_deflate_init(&deflate);
    deflate.level = level;
    deflate.level_buf = level_buffer.data();
    deflate.level_buf_size = level_buffer.size();
    deflate.gzip_flag = IGZIP_GZIP;
  }

  const int level;
  std::vector<uint8_t> level_buffer;
  std::vector<uint8_t> output;
  isal_zstream deflate;
};

GzipEncoder::GzipEncoder(int level, ByteSink* output) : stream_(std::make_unique<Stream>(level)), output_(output) {}
GzipEncoder::~GzipEncoder() = default;

absl::Status GzipEncoder::Compress(absl::string_view bytes, bool end_of_member) {
  if (!member_open_) {
    stream_->Begin();
    members_.push_back({stored_bytes_, plain_bytes_});
    member_open_ = true;
    member_plain_bytes_ = 0;
  }
  isal_zstream& deflate = stream_->deflate;
  deflate.next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(bytes.data()));
  deflate.avail_in = static_cast<uint32_t>(bytes.size());
  deflate.end_of_stream = end_of_member ? 1 : 0;
  do {
    deflate.next_out = stream_->output.data();
    deflate.avail_out = kOutputBytes;
    const int result = isal_deflate(&deflate);
    if (result != COMP_OK) {
      return JobError(v1::INTERNAL, absl::StrCat("compression failed with code ", result));
    }
    const size_t made = kOutputBytes - deflate.avail_out;
    stored_bytes_ += static_cast<int64_t>(made);
    RETURN_IF_ERROR(output_->Write(absl::string_view(reinterpret_cast<const char*>(stream_->output.data()), made)));
  } while (deflate.avail_out == 0 || (end_of_member && deflate.internal_state.state != ZSTATE_END));
  member_plain_bytes_ += static_cast<int64_t>(bytes.size());
  plain_bytes_ += static_cast<int64_t>(bytes.size());
  member_open_ = !end_of_member;
  return absl::OkStatus();
}

absl::Status GzipEncoder::Write(absl::string_view bytes) {
  while (!bytes.empty()) {
    const int64_t filled = member_open_ ? member_plain_bytes_ : 0;
    // Up to the first line end beyond the member's size, but never beyond its greatest.
    const size_t wanted = static_cast<size_t>(std::max<int64_t>(kMemberPlainBytes - filled, 0));
    const size_t most = static_cast<size_t>(kMaxMemberPlainBytes - filled);
    size_t taken = bytes.size();
    bool end_of_member = false;
    if (bytes.size() > wanted) {
      const size_t line_end = bytes.find('\n', wanted);
      end_of_member = line_end != absl::string_view::npos || bytes.size() >= most;
      taken = std::min({line_end == absl::string_view::npos ? bytes.size() : line_end + 1, most, bytes.size()});
    }
    RETURN_IF_ERROR(Compress(bytes.substr(0, taken), end_of_member));
    bytes.remove_prefix(taken);
  }
  return absl::OkStatus();
}

absl::Status GzipEncoder::StartMember() {
  return member_open_ ? Compress("", /*end_of_member=*/true) : absl::OkStatus();
}

absl::Status GzipEncoder::Finish() {
  return member_open_ || members_.empty() ? Compress("", /*end_of_member=*/true) : absl::OkStatus();
}

}  // namespace backup::agent
