// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/encoder.h"

#include "absl/strings/str_cat.h"
#include "agent/pipeline/gzip_encoder.h"
#include "base/errors.h"

namespace backup::agent {
namespace {

// Codec NONE: bytes pass as they are.
class PlainEncoder : public Encoder {
 public:
  explicit PlainEncoder(ByteSink* output) : output_(output) {}

  absl::Status Write(absl::string_view bytes) override {
    bytes_ += static_cast<int64_t>(bytes.size());
    return output_->Write(bytes);
  }
  absl::Status Finish() override { return absl::OkStatus(); }
  absl::Status StartMember() override { return absl::OkStatus(); }
  const std::vector<MemberOffset>& members() const override { return members_; }
  int64_t plain_bytes() const override { return bytes_; }
  int64_t stored_bytes() const override { return bytes_; }

 private:
  ByteSink* const output_;
  const std::vector<MemberOffset> members_;
  int64_t bytes_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Encoder>> MakeEncoder(v1::Codec codec, int level, ByteSink* output) {
  auto unsupported = [](absl::string_view what) {
    return MakeError(absl::StatusCode::kInvalidArgument, "COMPRESSION_UNSUPPORTED", what,
                     "use gzip, gzip:1 to gzip:3, or none");
  };
  switch (codec) {
    case v1::GZIP:
      if (level < 0 || level > 3) {
        return unsupported(absl::StrCat("there is no gzip level ", level));
      }
      return std::make_unique<GzipEncoder>(level == 0 ? 1 : level, output);
    case v1::NONE:
      return std::make_unique<PlainEncoder>(output);
    default:
      return unsupported(absl::StrCat("this agent cannot store with codec ", v1::Codec_Name(codec)));
  }
}

const char* FileExtension(v1::Codec codec) { return codec == v1::GZIP ? ".gz" : ""; }

}  // namespace backup::agent
