// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/block_pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <string>

#include "tests/testing/matchers.h"

namespace backup::agent {
namespace {

using ::backup::testing::IsOk;

// Puts `count` blocks with one byte each in; the bytes taken, in their order.
std::string Pass(int thread_count, size_t block_count, int count, const BlockPipeline::Work& work) {
  std::string taken;
  BlockPipeline pipeline(
      thread_count, block_count, [&] { return work; },
      [&](Block& block) {
        taken.append(block.plain_text().data(), block.plain_size);
        return absl::OkStatus();
      });
  for (int i = 0; i < count; ++i) {
    auto block = pipeline.Get();
    if (!block.ok()) {
      return "error";
    }
    (*block)->plain.assign(1, static_cast<char>('a' + i % 26));
    (*block)->plain_size = 1;
    pipeline.Put(*std::move(block));
  }
  EXPECT_THAT(pipeline.Finish(), IsOk());
  return taken;
}

TEST(BlockPipelineTest, TakesInOrderWhateverTheThreads) {
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    expected += static_cast<char>('a' + i % 26);
  }
  for (int thread_count : {0, 1, 4}) {
    EXPECT_EQ(Pass(thread_count, 5, 1000, [](Block&) { return absl::OkStatus(); }), expected) << thread_count;
  }
}

TEST(BlockPipelineTest, MakesNoMoreBlocksThanAskedFor) {
  std::atomic<int> made = 0;
  std::vector<const Block*> seen;
  BlockPipeline pipeline(
      2, 3, [] { return [](Block&) { return absl::OkStatus(); }; }, [](Block&) { return absl::OkStatus(); });
  for (int i = 0; i < 100; ++i) {
    auto block = pipeline.Get();
    ASSERT_THAT(block, IsOk());
    if (std::find(seen.begin(), seen.end(), block->get()) == seen.end()) {
      seen.push_back(block->get());
      ++made;
    }
    pipeline.Put(*std::move(block));
  }
  EXPECT_THAT(pipeline.Finish(), IsOk());
  EXPECT_LE(made, 3);
}

TEST(BlockPipelineTest, TheFirstErrorOfTheWorkEndsIt) {
  for (int thread_count : {0, 3}) {
    int taken = 0;
    BlockPipeline pipeline(
        thread_count, 4,
        [] { return [](Block& block) { return block.number == 7 ? absl::DataLossError("seven") : absl::OkStatus(); }; },
        [&](Block&) {
          ++taken;
          return absl::OkStatus();
        });
    absl::Status status;
    for (size_t i = 1; i <= 100 && status.ok(); ++i) {
      auto block = pipeline.Get();
      status = block.status();
      if (status.ok()) {
        (*block)->number = i;
        pipeline.Put(*std::move(block));
      }
    }
    EXPECT_EQ(pipeline.Finish(), absl::DataLossError("seven"));
    EXPECT_LE(taken, 6);
  }
}

TEST(BlockPipelineTest, AnErrorOfTheTakerEndsIt) {
  for (int thread_count : {0, 3}) {
    BlockPipeline pipeline(
        thread_count, 4, [] { return [](Block&) { return absl::OkStatus(); }; },
        [](Block&) { return absl::ResourceExhaustedError("full"); });
    auto block = pipeline.Get();
    ASSERT_THAT(block, IsOk());
    pipeline.Put(*std::move(block));
    EXPECT_EQ(pipeline.Finish(), absl::ResourceExhaustedError("full"));
    EXPECT_EQ(pipeline.Get().status(), absl::ResourceExhaustedError("full"));
  }
}

TEST(BlockPipelineTest, MayEndWithBlocksUnderWay) {
  std::atomic<int> begun = 0;
  {
    BlockPipeline pipeline(
        2, 8,
        [&] {
          return [&](Block&) {
            ++begun;
            return absl::OkStatus();
          };
        },
        [](Block&) { return absl::OkStatus(); });
    for (int i = 0; i < 5; ++i) {
      auto block = pipeline.Get();
      ASSERT_THAT(block, IsOk());
      pipeline.Put(*std::move(block));
    }
  }
  EXPECT_LE(begun, 5);
}

}  // namespace
}  // namespace backup::agent
