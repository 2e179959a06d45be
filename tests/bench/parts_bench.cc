// SPDX-License-Identifier: Apache-2.0
// How fast the parts are that every byte of a dump passes: one thread, rows as an application writes them. Run by hand:
//   cmake --build --preset release --target parts_bench && build/release/tests/bench/parts_bench
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "agent/pipeline/block_pipeline.h"
#include "agent/pipeline/dump_scanner.h"
#include "agent/pipeline/hash128.h"
#include "agent/pipeline/member_coder.h"
#include "agent/pipeline/sha256.h"
#include "agent/pipeline/testing/sample_dump.h"

namespace backup::agent {
namespace {

constexpr size_t kTextBytes = 16 << 20;
constexpr size_t kPieceBytes = 1 << 20;

// Rows of COPY text: a number, a name, a time, some JSON; the same at every start.
std::string Rows(size_t bytes) {
  std::string rows;
  uint64_t state = 1;
  while (rows.size() < bytes) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    const uint64_t number = state >> 33;
    absl::StrAppend(&rows, number, "\tplayer ", number % 9973, "\t2026-11-", 10 + number % 20, " 22:", 10 + number % 50,
                    ":00+00\t{\"quest\": ", number % 311, ", \"score\": ", number % 100003,
                    ", \"done\": ", number % 2 == 0 ? "true" : "false", "}\n");
  }
  return rows;
}

const std::string& Text() {
  static const auto& text = *new std::string(Rows(kTextBytes));
  return text;
}

Block OneMember() {
  Block block;
  block.plain.assign(Text().begin(), Text().begin() + kPieceBytes);
  block.plain_size = kPieceBytes;
  return block;
}

void CountBytes(benchmark::State& state, size_t bytes) {
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * bytes));
}

void ScanDump(benchmark::State& state) {
  const std::string dump =
      testing::WrapDump(absl::StrCat("COPY public.t (a, b, c, d) FROM stdin;\n", Text(), "\\.\n\n"));
  for (auto _ : state) {
    DumpScanner scanner(DumpScanner::Kind::kDatabase);
    for (size_t at = 0; at < dump.size(); at += kPieceBytes) {
      if (!scanner.Write(absl::string_view(dump).substr(at, kPieceBytes)).ok()) {
        state.SkipWithError("the text is no dump");
        return;
      }
    }
    benchmark::DoNotOptimize(scanner.row_count());
  }
  CountBytes(state, dump.size());
}
BENCHMARK(ScanDump)->Unit(benchmark::kMillisecond);

void EncodeMember(benchmark::State& state, v1::Codec codec, int level) {
  auto encoder = MakeMemberEncoder(codec, level);
  Block block = OneMember();
  for (auto _ : state) {
    if (!encoder.ok() || !(*encoder)->Encode(block).ok()) {
      state.SkipWithError("cannot encode");
      return;
    }
  }
  CountBytes(state, block.plain_size);
  state.counters["ratio"] = static_cast<double>(block.plain_size) / static_cast<double>(block.stored_size);
}
BENCHMARK_CAPTURE(EncodeMember, gzip_1, v1::GZIP, 1);
BENCHMARK_CAPTURE(EncodeMember, gzip_3, v1::GZIP, 3);
BENCHMARK_CAPTURE(EncodeMember, gzip_6, v1::GZIP, 6);
BENCHMARK_CAPTURE(EncodeMember, zstd_1, v1::ZSTD, 1);
BENCHMARK_CAPTURE(EncodeMember, zstd_3, v1::ZSTD, 3);

void DecodeMember(benchmark::State& state, v1::Codec codec) {
  auto encoder = MakeMemberEncoder(codec, 0);
  auto decoder = MakeMemberDecoder(codec);
  Block block = OneMember();
  if (!encoder.ok() || !decoder.ok() || !(*encoder)->Encode(block).ok()) {
    state.SkipWithError("cannot encode");
    return;
  }
  for (auto _ : state) {
    if (!(*decoder)->Decode(block).ok()) {
      state.SkipWithError("cannot decode");
      return;
    }
  }
  CountBytes(state, kPieceBytes);
}
BENCHMARK_CAPTURE(DecodeMember, gzip, v1::GZIP);
BENCHMARK_CAPTURE(DecodeMember, zstd, v1::ZSTD);

void Hash128Text(benchmark::State& state) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(HashOf(Text()));
  }
  CountBytes(state, Text().size());
}
BENCHMARK(Hash128Text);

void Sha256Text(benchmark::State& state) {
  for (auto _ : state) {
    Sha256 hash;
    hash.Update(Text());
    benchmark::DoNotOptimize(hash.FinishHex());
  }
  CountBytes(state, Text().size());
}
BENCHMARK(Sha256Text);

}  // namespace
}  // namespace backup::agent

BENCHMARK_MAIN();
