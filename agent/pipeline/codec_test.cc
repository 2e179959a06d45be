// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "absl/strings/str_cat.h"
#include "agent/pipeline/decoder.h"
#include "agent/pipeline/encoder.h"
#include "agent/pipeline/gzi_index.h"
#include "agent/pipeline/testing/string_sink.h"
#include "base/child_process.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace backup::agent {
namespace {

using agent::testing::StringSink;
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::IsOkAndHolds;
using ::backup::testing::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

struct Encoded {
  std::string stored;
  std::vector<MemberOffset> members;
};

Encoded Encode(const std::string& plain, size_t piece_bytes, v1::Codec codec = v1::GZIP, int level = 0,
               const std::vector<size_t>& starts = {}) {
  StringSink sink;
  auto encoder = Encoder::Create({.codec = codec, .level = level, .thread_count = 3}, &sink);
  EXPECT_THAT(encoder, IsOk());
  size_t next_start = 0;
  for (size_t position = 0; position < plain.size();) {
    size_t end = std::min(position + piece_bytes, plain.size());
    if (next_start < starts.size()) {
      if (starts[next_start] == position) {
        (*encoder)->StartMember();
        ++next_start;
        continue;
      }
      end = std::min(end, starts[next_start]);
    }
    EXPECT_THAT((*encoder)->Write(plain.substr(position, end - position)), IsOk());
    position = end;
  }
  EXPECT_THAT((*encoder)->Finish(), IsOk());
  EXPECT_EQ((*encoder)->plain_bytes(), static_cast<int64_t>(plain.size()));
  EXPECT_EQ((*encoder)->stored_bytes(), static_cast<int64_t>(sink.text.size()));
  return {sink.text, (*encoder)->members()};
}

absl::StatusOr<std::string> Decode(const std::string& stored, size_t piece_bytes,
                                   std::vector<MemberOffset>* members = nullptr, int64_t max_plain_bytes = 1 << 30) {
  StringSink sink;
  auto decoder = MakeDecoder(v1::GZIP, max_plain_bytes, &sink);
  if (!decoder.ok()) {
    return decoder.status();
  }
  for (size_t position = 0; position < stored.size(); position += piece_bytes) {
    if (absl::Status status = (*decoder)->Write(stored.substr(position, piece_bytes)); !status.ok()) {
      return status;
    }
  }
  if (absl::Status status = (*decoder)->Finish(); !status.ok()) {
    return status;
  }
  if (members != nullptr) {
    *members = (*decoder)->members();
  }
  return sink.text;
}

// Lines of all lengths, partly random so that they do not compress away.
std::string SomeText(size_t bytes) {
  std::mt19937 random(7);
  std::string text;
  while (text.size() < bytes) {
    const size_t length = random() % 200;
    for (size_t i = 0; i < length; ++i) {
      text += static_cast<char>('a' + random() % 20);
    }
    text += '\n';
  }
  text.resize(bytes);
  return text;
}

TEST(GzipTest, RoundTripsInPiecesOfAnySize) {
  const std::string text = SomeText(3'500'000);
  for (int level : {0, 1, 2, 3, 4, 6}) {
    for (size_t piece_bytes : {size_t{1000}, size_t{65536}, size_t{1} << 24}) {
      const Encoded encoded = Encode(text, piece_bytes, v1::GZIP, level);
      std::vector<MemberOffset> members;
      ASSERT_THAT(Decode(encoded.stored, 4099, &members), IsOkAndHolds(text));
      EXPECT_EQ(members, encoded.members);
      EXPECT_LT(encoded.stored.size(), text.size());
    }
  }
}

TEST(GzipTest, ByteByByte) {
  const std::string text = SomeText(3000);
  EXPECT_THAT(Decode(Encode(text, 1).stored, 1), IsOkAndHolds(text));
}

TEST(GzipTest, MembersHoldAboutAMebibyteAndEndWithALine) {
  const std::string text = SomeText(5'000'000);
  const Encoded encoded = Encode(text, 100'000);
  ASSERT_THAT(encoded.members, SizeIs(5));
  for (size_t i = 1; i < encoded.members.size(); ++i) {
    const int64_t size = encoded.members[i].plain - encoded.members[i - 1].plain;
    EXPECT_GE(size, 1 << 20);
    EXPECT_LE(size, (1 << 20) + 300);
    EXPECT_EQ(text[static_cast<size_t>(encoded.members[i].plain) - 1], '\n');
  }
}

TEST(GzipTest, ALineWithoutEndIsCut) {
  const std::string text(7 << 20, 'x');
  const Encoded encoded = Encode(text, 100'000);
  EXPECT_THAT(encoded.members, SizeIs(4));
  EXPECT_THAT(Decode(encoded.stored, 65536), IsOkAndHolds(text));
}

TEST(GzipTest, NewMembersBeginWhereAskedFor) {
  const Encoded encoded = Encode("head|table one|table two", 100, v1::GZIP, 0, {5, 15});
  ASSERT_THAT(encoded.members, SizeIs(3));
  EXPECT_EQ(encoded.members[1].plain, 5);
  EXPECT_EQ(encoded.members[2].plain, 15);
  // Each is a file of its own.
  EXPECT_THAT(Decode(encoded.stored.substr(static_cast<size_t>(encoded.members[2].stored)), 100),
              IsOkAndHolds("table two"));
}

TEST(GzipTest, EmptyTextIsOneEmptyMember) {
  const Encoded encoded = Encode("", 100);
  EXPECT_THAT(encoded.members, ElementsAre(MemberOffset{0, 0}));
  EXPECT_THAT(Decode(encoded.stored, 100), IsOkAndHolds(""));
}

TEST(GzipTest, GunzipReadsIt) {
  TempDir dir;
  const std::string text = SomeText(2'500'000);
  ChildOptions options;
  options.argv = {"/usr/bin/gunzip", "-c", dir.Write("x.gz", Encode(text, 10'000).stored)};
  options.environment = {{"PATH", "/usr/bin:/bin"}};
  auto output = RunAndCollect(options, absl::Seconds(60), 4 << 20);
  ASSERT_THAT(output, IsOk());
  EXPECT_EQ(*output, text);
}

TEST(GzipDecoderTest, EveryTruncationIsFound) {
  const Encoded encoded = Encode("head|table one|table two", 100, v1::GZIP, 0, {5, 15});
  for (size_t size = 0; size < encoded.stored.size(); ++size) {
    // A cut between two members leaves a whole gzip file: only the length tells.
    const bool between = size == static_cast<size_t>(encoded.members[1].stored) ||
                         size == static_cast<size_t>(encoded.members[2].stored);
    EXPECT_EQ(Decode(encoded.stored.substr(0, size), 7).ok(), between) << size;
  }
}

TEST(GzipDecoderTest, EveryBitFlipIsFoundOrChangesNothing) {
  const std::string text = "head|table one|table two";
  const Encoded encoded = Encode(text, 100, v1::GZIP, 0, {5, 15});
  int silent = 0;
  for (size_t bit = 0; bit < encoded.stored.size() * 8; ++bit) {
    std::string flipped = encoded.stored;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    auto decoded = Decode(flipped, 11);
    if (decoded.ok()) {
      EXPECT_EQ(*decoded, text) << "bit " << bit;
      ++silent;
    } else {
      EXPECT_THAT(decoded, HasReason("CORRUPT"));
    }
  }
  // Only padding bits after a deflate stream have no meaning; the hash of the stored bytes sees them.
  EXPECT_LE(silent, 7 * 3);
}

TEST(GzipDecoderTest, NamesTheOffsetOfADamagedHeader) {
  Encoded encoded = Encode("head|table one", 100, v1::GZIP, 0, {5});
  const size_t offset = static_cast<size_t>(encoded.members[1].stored) + 5;
  encoded.stored[offset] = 1;
  auto decoded = Decode(encoded.stored, 100);
  EXPECT_THAT(decoded, HasReason("CORRUPT"));
  EXPECT_THAT(std::string(decoded.status().message()), HasSubstr(absl::StrCat("at offset ", offset)));
}

TEST(GzipDecoderTest, BytesAfterTheEndAreFound) {
  const std::string stored = Encode("text", 100).stored;
  EXPECT_THAT(Decode(stored + std::string(1, '\0'), 100), HasReason("CORRUPT"));
  EXPECT_THAT(Decode(stored + "garbage", 100), HasReason("CORRUPT"));
}

TEST(GzipDecoderTest, ABombStopsAtItsLimit) {
  const std::string bomb = Encode(std::string(64 << 20, 'x'), 1 << 20).stored;
  ASSERT_LT(bomb.size(), 1u << 20);
  StringSink sink;
  auto decoder = MakeDecoder(v1::GZIP, 1000, &sink);
  ASSERT_THAT(decoder, IsOk());
  EXPECT_THAT((*decoder)->Write(bomb), HasReason("CORRUPT"));
  EXPECT_LE(sink.text.size(), 1000u);
}

TEST(PlainCodecTest, PassesBytesAndStopsAtTheLimit) {
  const Encoded encoded = Encode("as it is", 3, v1::NONE);
  EXPECT_EQ(encoded.stored, "as it is");
  EXPECT_THAT(encoded.members, SizeIs(0));
  StringSink sink;
  auto decoder = MakeDecoder(v1::NONE, 4, &sink);
  ASSERT_THAT(decoder, IsOk());
  EXPECT_THAT((*decoder)->Write("12345"), HasReason("CORRUPT"));
}

TEST(CodecTest, UnknownCodecsAndLevelsAreRefused) {
  StringSink sink;
  for (const EncoderOptions& options :
       {EncoderOptions{.codec = v1::CODEC_UNSPECIFIED}, EncoderOptions{.codec = v1::GZIP, .level = 13},
        EncoderOptions{.codec = v1::ZSTD, .level = 20}, EncoderOptions{.codec = v1::NONE, .level = 1}}) {
    EXPECT_THAT(Encoder::Create(options, &sink), HasReason("COMPRESSION_UNSUPPORTED"));
  }
  EXPECT_THAT(MakeDecoder(v1::ZSTD, 1, &sink), HasReason("COMPRESSION_UNSUPPORTED"));
}

TEST(GziIndexTest, IsWhatBgzipWrites) {
  const std::string bytes = FormatGziIndex({{0, 0}, {0x0102, 0x10000}, {0x0304, 0x20000}});
  const std::string expected(
      "\x02\0\0\0\0\0\0\0"
      "\x02\x01\0\0\0\0\0\0\0\0\x01\0\0\0\0\0"
      "\x04\x03\0\0\0\0\0\0\0\0\x02\0\0\0\0\0",
      40);
  EXPECT_EQ(bytes, expected);
  EXPECT_THAT(ParseGziIndex(bytes), IsOkAndHolds(ElementsAre(MemberOffset{0, 0}, MemberOffset{0x0102, 0x10000},
                                                             MemberOffset{0x0304, 0x20000})));
}

TEST(GziIndexTest, OneMemberHasNoEntry) {
  EXPECT_EQ(FormatGziIndex({{0, 0}}), std::string(8, '\0'));
  EXPECT_THAT(ParseGziIndex(std::string(8, '\0')), IsOkAndHolds(ElementsAre(MemberOffset{0, 0})));
}

TEST(GziIndexTest, DamageIsFound) {
  const std::string bytes = FormatGziIndex({{0, 0}, {100, 1000}, {200, 2000}});
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THAT(ParseGziIndex(bytes.substr(0, size)), HasReason("CORRUPT")) << size;
  }
  EXPECT_THAT(ParseGziIndex(bytes + std::string(16, '\0')), HasReason("CORRUPT"));
  EXPECT_THAT(ParseGziIndex(FormatGziIndex({{0, 0}, {200, 1000}, {100, 2000}})), HasReason("CORRUPT"));
}

}  // namespace
}  // namespace backup::agent
