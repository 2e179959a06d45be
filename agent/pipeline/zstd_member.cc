// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/zstd_member.h"

#include <zstd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "agent/pipeline/job_failure.h"

namespace backup::agent {
namespace {

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

class ZstdEncoder : public MemberEncoder {
 public:
  explicit ZstdEncoder(int level) : context_(ZSTD_createCCtx()) {
    if (context_ != nullptr) {
      ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, level);
      ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1);
    }
  }

  absl::Status Encode(Block& block) override {
    if (context_ == nullptr) {
      return JobError(v1::INTERNAL, "zstd cannot be set up: out of memory");
    }
    block.stored.resize(std::max(block.stored.size(), ZSTD_compressBound(block.plain_size)));
    const size_t made =
        ZSTD_compress2(context_.get(), block.stored.data(), block.stored.size(), block.plain.data(), block.plain_size);
    if (ZSTD_isError(made)) {
      return JobError(v1::INTERNAL, absl::StrCat("compression failed: ", ZSTD_getErrorName(made)));
    }
    block.stored_size = made;
    return absl::OkStatus();
  }

 private:
  const std::unique_ptr<ZSTD_CCtx, FreeContext> context_;
};

class ZstdDecoder : public MemberDecoder {
 public:
  ZstdDecoder() : context_(ZSTD_createDCtx()) {}

  absl::Status Decode(Block& block) override {
    if (context_ == nullptr) {
      return JobError(v1::INTERNAL, "zstd cannot be set up: out of memory");
    }
    const auto corrupt = [](absl::string_view why) { return JobError(v1::CORRUPT, why); };
    const size_t wanted = block.plain_size;
    block.plain_size = 0;
    const size_t frame_bytes = ZSTD_findFrameCompressedSize(block.stored.data(), block.stored_size);
    if (ZSTD_isError(frame_bytes) || frame_bytes != block.stored_size) {
      return corrupt("it is not one whole zstd frame");
    }
    if (ZSTD_getFrameContentSize(block.stored.data(), block.stored_size) != wanted) {
      return corrupt(absl::StrCat("its zstd frame does not say that it holds ", wanted, " bytes"));
    }
    block.plain.resize(std::max(block.plain.size(), wanted));
    const size_t made =
        ZSTD_decompressDCtx(context_.get(), block.plain.data(), wanted, block.stored.data(), block.stored_size);
    if (ZSTD_isError(made) || made != wanted) {
      return corrupt(
          absl::StrCat("it cannot be decoded: ", ZSTD_isError(made) ? ZSTD_getErrorName(made) : "too short"));
    }
    block.plain_size = made;
    return absl::OkStatus();
  }

 private:
  const std::unique_ptr<ZSTD_DCtx, FreeContext> context_;
};

}  // namespace

std::unique_ptr<MemberEncoder> MakeZstdEncoder(int level) { return std::make_unique<ZstdEncoder>(level); }
std::unique_ptr<MemberDecoder> MakeZstdDecoder() { return std::make_unique<ZstdDecoder>(); }

}  // namespace backup::agent
