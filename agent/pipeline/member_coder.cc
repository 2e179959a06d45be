// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/member_coder.h"

#include "absl/strings/str_cat.h"
#include "agent/pipeline/gzip_member.h"
#include "agent/pipeline/zstd_member.h"
#include "base/errors.h"

namespace backup::agent {
namespace {

class PlainEncoder : public MemberEncoder {
 public:
  absl::Status Encode(Block& block) override {
    block.stored.swap(block.plain);
    block.stored_size = block.plain_size;
    return absl::OkStatus();
  }
};

class PlainDecoder : public MemberDecoder {
 public:
  absl::Status Decode(Block& block) override {
    block.plain.swap(block.stored);
    block.plain_size = block.stored_size;
    return absl::OkStatus();
  }
};

absl::Status Unsupported(absl::string_view what, absl::string_view hint) {
  return MakeError(absl::StatusCode::kInvalidArgument, "COMPRESSION_UNSUPPORTED", what, hint);
}

}  // namespace

absl::StatusOr<std::unique_ptr<MemberEncoder>> MakeMemberEncoder(v1::Codec codec, int level) {
  switch (codec) {
    case v1::GZIP:
      if (level >= 0 && level <= 3) {
        return MakeIsalEncoder(level == 0 ? 1 : level);
      }
      if (level >= 4 && level <= 12) {
        return MakeLibdeflateEncoder(level);
      }
      return Unsupported(absl::StrCat("there is no gzip level ", level), "use gzip:1 (fast) to gzip:12 (small)");
    case v1::ZSTD:
      if (level >= 0 && level <= 19) {
        return MakeZstdEncoder(level == 0 ? 1 : level);
      }
      return Unsupported(absl::StrCat("there is no zstd level ", level), "use zstd:1 (fast) to zstd:19 (small)");
    case v1::NONE:
      if (level == 0) {
        return std::make_unique<PlainEncoder>();
      }
      return Unsupported("codec none has no levels", "use none without a level");
    default:
      return Unsupported(absl::StrCat("this agent cannot store with codec ", v1::Codec_Name(codec)),
                         "use gzip, zstd or none");
  }
}

absl::StatusOr<std::unique_ptr<MemberDecoder>> MakeMemberDecoder(v1::Codec codec) {
  switch (codec) {
    case v1::GZIP:
      return MakeLibdeflateDecoder();
    case v1::ZSTD:
      return MakeZstdDecoder();
    case v1::NONE:
      return std::make_unique<PlainDecoder>();
    default:
      return Unsupported(absl::StrCat("this agent cannot read codec ", v1::Codec_Name(codec)),
                         "use a newer backup-agent");
  }
}

}  // namespace backup::agent
