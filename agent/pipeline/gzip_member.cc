// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/gzip_member.h"

#include <isa-l/igzip_lib.h>
#include <libdeflate.h>

#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "agent/pipeline/job_failure.h"
#include "base/text.h"

namespace backup::agent {
namespace {

constexpr size_t kTrailerBytes = 8;

struct FreeCompressor {
  void operator()(libdeflate_compressor* compressor) const { libdeflate_free_compressor(compressor); }
};
struct FreeDecompressor {
  void operator()(libdeflate_decompressor* decompressor) const { libdeflate_free_decompressor(decompressor); }
};

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

void PutLittleEndian(uint32_t value, char* bytes) {
  for (int i = 0; i < 4; ++i) {
    bytes[i] = static_cast<char>(value >> (8 * i));
  }
}

class IsalEncoder : public MemberEncoder {
 public:
  explicit IsalEncoder(int level) : level_(level), level_buffer_(LevelBufferBytes(level)) {}

  absl::Status Encode(Block& block) override {
    // Text that does not compress is stored, at 5 bytes for each 64 kB of it.
    block.stored.resize(std::max(block.stored.size(), block.plain_size + block.plain_size / 1000 + 1024));
    isal_deflate_init(&deflate_);
    deflate_.level = level_;
    deflate_.level_buf = level_buffer_.data();
    deflate_.level_buf_size = static_cast<uint32_t>(level_buffer_.size());
    deflate_.gzip_flag = IGZIP_GZIP;
    deflate_.end_of_stream = 1;
    deflate_.next_in = reinterpret_cast<uint8_t*>(block.plain.data());
    deflate_.avail_in = static_cast<uint32_t>(block.plain_size);
    while (true) {
      deflate_.next_out = reinterpret_cast<uint8_t*>(block.stored.data()) + deflate_.total_out;
      deflate_.avail_out = static_cast<uint32_t>(block.stored.size() - deflate_.total_out);
      const int result = isal_deflate(&deflate_);
      if (result != COMP_OK) {
        return JobError(v1::INTERNAL, absl::StrCat("compression failed with code ", result));
      }
      if (deflate_.internal_state.state == ZSTATE_END) {
        break;
      }
      block.stored.resize(block.stored.size() * 2);
    }
    block.stored_size = deflate_.total_out;
    return absl::OkStatus();
  }

 private:
  const int level_;
  std::vector<uint8_t> level_buffer_;
  isal_zstream deflate_;
};

// Raw deflate by libdeflate, with the header and trailer that ISA-L's members have.
class LibdeflateEncoder : public MemberEncoder {
 public:
  explicit LibdeflateEncoder(int level) : compressor_(libdeflate_alloc_compressor(level)) {}

  absl::Status Encode(Block& block) override {
    if (compressor_ == nullptr) {
      return JobError(v1::INTERNAL, "libdeflate cannot be set up: out of memory");
    }
    const size_t bound = libdeflate_deflate_compress_bound(compressor_.get(), block.plain_size);
    block.stored.resize(std::max(block.stored.size(), sizeof(kGzipHeader) + bound + kTrailerBytes));
    std::memcpy(block.stored.data(), kGzipHeader, sizeof(kGzipHeader));
    char* const body = block.stored.data() + sizeof(kGzipHeader);
    const size_t made =
        libdeflate_deflate_compress(compressor_.get(), block.plain.data(), block.plain_size, body, bound);
    if (made == 0) {
      return JobError(v1::INTERNAL, "compression failed");
    }
    PutLittleEndian(libdeflate_crc32(0, block.plain.data(), block.plain_size), body + made);
    PutLittleEndian(static_cast<uint32_t>(block.plain_size), body + made + 4);
    block.stored_size = sizeof(kGzipHeader) + made + kTrailerBytes;
    return absl::OkStatus();
  }

 private:
  const std::unique_ptr<libdeflate_compressor, FreeCompressor> compressor_;
};

class LibdeflateDecoder : public MemberDecoder {
 public:
  LibdeflateDecoder() : decompressor_(libdeflate_alloc_decompressor()) {}

  absl::Status Decode(Block& block) override {
    if (decompressor_ == nullptr) {
      return JobError(v1::INTERNAL, "libdeflate cannot be set up: out of memory");
    }
    const auto corrupt = [](absl::string_view why) { return JobError(v1::CORRUPT, why); };
    if (block.stored_size < sizeof(kGzipHeader) + kTrailerBytes ||
        std::memcmp(block.stored.data(), kGzipHeader, sizeof(kGzipHeader)) != 0) {
      return corrupt("the header of a gzip member is not as it was written");
    }
    const size_t wanted = block.plain_size;
    block.plain_size = 0;
    block.plain.resize(std::max(block.plain.size(), wanted));
    size_t used = 0;
    size_t made = 0;
    const libdeflate_result result = libdeflate_gzip_decompress_ex(
        decompressor_.get(), block.stored.data(), block.stored_size, block.plain.data(), wanted, &used, &made);
    if (result == LIBDEFLATE_INSUFFICIENT_SPACE) {
      return corrupt(absl::StrCat("it decodes to more than the ", wanted, " bytes it should"));
    }
    if (result != LIBDEFLATE_SUCCESS) {
      return corrupt("it cannot be decoded");
    }
    if (used != block.stored_size) {
      return corrupt(absl::StrCat("its gzip member ends after ", used, " bytes, not ", block.stored_size));
    }
    block.plain_size = made;
    if (made != wanted) {
      return corrupt(absl::StrCat("it decodes to ", made, " bytes, not ", wanted));
    }
    return absl::OkStatus();
  }

 private:
  const std::unique_ptr<libdeflate_decompressor, FreeDecompressor> decompressor_;
};

}  // namespace

std::unique_ptr<MemberEncoder> MakeIsalEncoder(int level) { return std::make_unique<IsalEncoder>(level); }
std::unique_ptr<MemberEncoder> MakeLibdeflateEncoder(int level) { return std::make_unique<LibdeflateEncoder>(level); }
std::unique_ptr<MemberDecoder> MakeLibdeflateDecoder() { return std::make_unique<LibdeflateDecoder>(); }

}  // namespace backup::agent
