// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/chunk_queue.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace backup::agent {
namespace {

TEST(ChunkQueueTest, PassesChunksInOrderThroughFewBuffers) {
  ChunkQueue queue(4, 2);
  std::string received;
  std::thread consumer([&] {
    while (std::unique_ptr<Chunk> chunk = queue.TakeFull()) {
      received.append(chunk->buffer.data(), chunk->size);
      queue.ReturnEmpty(std::move(chunk));
    }
  });
  std::string sent;
  for (int i = 0; i < 1000; ++i) {
    std::unique_ptr<Chunk> chunk = queue.TakeEmpty(absl::InfiniteDuration());
    ASSERT_NE(chunk, nullptr);
    chunk->size = 3;
    for (size_t j = 0; j < 3; ++j) {
      chunk->buffer[j] = static_cast<char>('a' + (i + j) % 26);
    }
    sent.append(chunk->buffer.data(), 3);
    queue.PushFull(std::move(chunk));
  }
  queue.Close();
  consumer.join();
  EXPECT_EQ(received, sent);
}

TEST(ChunkQueueTest, AProducerWaitsForABufferNoLongerThanItSays) {
  ChunkQueue queue(4, 1);
  std::unique_ptr<Chunk> only = queue.TakeEmpty(absl::ZeroDuration());
  ASSERT_NE(only, nullptr);
  EXPECT_EQ(queue.TakeEmpty(absl::Milliseconds(1)), nullptr);
  EXPECT_FALSE(queue.stopped());
}

TEST(ChunkQueueTest, StopWakesTheProducer) {
  ChunkQueue queue(4, 1);
  std::unique_ptr<Chunk> only = queue.TakeEmpty(absl::ZeroDuration());
  std::thread consumer([&] { queue.Stop(); });
  EXPECT_EQ(queue.TakeEmpty(absl::InfiniteDuration()), nullptr);
  EXPECT_TRUE(queue.stopped());
  consumer.join();
}

TEST(ChunkQueueTest, CloseEndsTheConsumerAfterTheLastChunk) {
  ChunkQueue queue(4, 2);
  queue.PushFull(queue.TakeEmpty(absl::ZeroDuration()));
  queue.Close();
  EXPECT_NE(queue.TakeFull(), nullptr);
  EXPECT_EQ(queue.TakeFull(), nullptr);
}

}  // namespace
}  // namespace backup::agent
