// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/gzip_decoder.h"

#include <zlib.h>

#include "absl/strings/str_cat.h"
#include "agent/pipeline/gzip_member.h"
#include "agent/pipeline/job_failure.h"
#include "base/status_macros.h"

namespace backup::agent {
namespace {

constexpr size_t kOutputBytes = 256 << 10;

}  // namespace

struct GzipDecoder::Stream {
  z_stream inflate = {};
  bool usable = false;
  std::vector<char> output = std::vector<char>(kOutputBytes);
};

GzipDecoder::GzipDecoder(int64_t max_plain_bytes, ByteSink* output)
    : stream_(std::make_unique<Stream>()), max_plain_bytes_(max_plain_bytes), output_(output) {
  stream_->usable = inflateInit2(&stream_->inflate, 15 + 16) == Z_OK;
}

GzipDecoder::~GzipDecoder() {
  if (stream_->usable) {
    inflateEnd(&stream_->inflate);
  }
}

absl::Status GzipDecoder::Corrupt(absl::string_view why) const {
  return JobError(v1::CORRUPT,
                  absl::StrCat("at offset ", stored_bytes_, ": ", why, " (gzip member ", members_.size(),
                               ", which begins at offset ", members_.empty() ? 0 : members_.back().stored, ")"));
}

absl::Status GzipDecoder::Write(absl::string_view bytes) {
  if (!stream_->usable) {
    return JobError(v1::INTERNAL, "zlib cannot be set up");
  }
  while (!bytes.empty()) {
    if (header_bytes_ == 0) {
      members_.push_back({stored_bytes_, plain_bytes_});
    }
    if (header_bytes_ < sizeof(kGzipHeader)) {
      RETURN_IF_ERROR(CheckHeader(&bytes));
    } else {
      RETURN_IF_ERROR(Inflate(&bytes));
    }
  }
  return absl::OkStatus();
}

absl::Status GzipDecoder::CheckHeader(absl::string_view* bytes) {
  if (bytes->front() != kGzipHeader[header_bytes_]) {
    return Corrupt("the header of a gzip member is not as it was written");
  }
  if (++header_bytes_ == sizeof(kGzipHeader)) {
    z_stream& inflate_stream = stream_->inflate;
    inflateReset(&inflate_stream);
    inflate_stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(kGzipHeader));
    inflate_stream.avail_in = sizeof(kGzipHeader);
    inflate_stream.next_out = reinterpret_cast<Bytef*>(stream_->output.data());
    inflate_stream.avail_out = kOutputBytes;
    const int result = inflate(&inflate_stream, Z_NO_FLUSH);
    if (result != Z_OK || inflate_stream.avail_in != 0) {
      return JobError(v1::INTERNAL, absl::StrCat("zlib does not take the header: code ", result));
    }
  }
  ++stored_bytes_;
  bytes->remove_prefix(1);
  return absl::OkStatus();
}

absl::Status GzipDecoder::Inflate(absl::string_view* bytes) {
  z_stream& inflate_stream = stream_->inflate;
  inflate_stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes->data()));
  inflate_stream.avail_in = static_cast<uInt>(std::min<size_t>(bytes->size(), 1 << 30));
  inflate_stream.next_out = reinterpret_cast<Bytef*>(stream_->output.data());
  inflate_stream.avail_out = kOutputBytes;
  const uInt given = inflate_stream.avail_in;
  const int result = inflate(&inflate_stream, Z_NO_FLUSH);
  const size_t used = given - inflate_stream.avail_in;
  const size_t made = kOutputBytes - inflate_stream.avail_out;
  stored_bytes_ += static_cast<int64_t>(used);
  bytes->remove_prefix(used);
  plain_bytes_ += static_cast<int64_t>(made);
  if (plain_bytes_ > max_plain_bytes_) {
    return Corrupt(absl::StrCat("it decodes to more than the ", max_plain_bytes_, " bytes it should"));
  }
  // What was decoded before the damage still goes on: it helps to tell where the damage is.
  if (made > 0) {
    RETURN_IF_ERROR(output_->Write(absl::string_view(stream_->output.data(), made)));
  }
  if (result == Z_STREAM_END) {
    header_bytes_ = 0;
    return absl::OkStatus();
  }
  if (result != Z_OK && !(result == Z_BUF_ERROR && (used > 0 || made > 0))) {
    return Corrupt(absl::StrCat("it cannot be decoded: ", inflate_stream.msg == nullptr
                                                              ? absl::StrCat("zlib code ", result)
                                                              : inflate_stream.msg));
  }
  return absl::OkStatus();
}

absl::Status GzipDecoder::Finish() {
  if (members_.empty()) {
    return Corrupt("it is empty");
  }
  return header_bytes_ == 0 ? absl::OkStatus() : Corrupt("it ends within a gzip member");
}

}  // namespace backup::agent
