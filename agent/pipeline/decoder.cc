// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/decoder.h"

#include "absl/strings/str_cat.h"
#include "agent/pipeline/gzip_decoder.h"
#include "agent/pipeline/job_failure.h"
#include "base/errors.h"

namespace backup::agent {
namespace {

class PlainDecoder : public Decoder {
 public:
  PlainDecoder(int64_t max_plain_bytes, ByteSink* output) : max_plain_bytes_(max_plain_bytes), output_(output) {}

  absl::Status Write(absl::string_view bytes) override {
    if (plain_bytes_ + static_cast<int64_t>(bytes.size()) > max_plain_bytes_) {
      return JobError(v1::CORRUPT, absl::StrCat("at offset ", max_plain_bytes_, ": it goes on beyond its end"));
    }
    plain_bytes_ += static_cast<int64_t>(bytes.size());
    return output_->Write(bytes);
  }
  absl::Status Finish() override { return absl::OkStatus(); }
  const std::vector<MemberOffset>& members() const override { return members_; }
  int64_t plain_bytes() const override { return plain_bytes_; }

 private:
  const int64_t max_plain_bytes_;
  ByteSink* const output_;
  const std::vector<MemberOffset> members_;
  int64_t plain_bytes_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Decoder>> MakeDecoder(v1::Codec codec, int64_t max_plain_bytes, ByteSink* output) {
  switch (codec) {
    case v1::GZIP:
      return std::make_unique<GzipDecoder>(max_plain_bytes, output);
    case v1::NONE:
      return std::make_unique<PlainDecoder>(max_plain_bytes, output);
    default:
      return MakeError(absl::StatusCode::kInvalidArgument, "COMPRESSION_UNSUPPORTED",
                       absl::StrCat("this agent cannot read codec ", v1::Codec_Name(codec)),
                       "use a newer backup-agent");
  }
}

}  // namespace backup::agent
