// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "agent/pipeline/hash128.h"
#include "base/mutex.h"

namespace backup::agent {

// A member of a stored file on its way: its text, and what is stored for it. The buffers are used again and again.
struct Block {
  std::vector<char> plain;
  size_t plain_size = 0;  // Bytes of `plain` that are filled.
  std::vector<char> stored;
  size_t stored_size = 0;
  Hash128 plain_hash;
  // Where it stands in the file, when it is read from one: its number from 1, and its offset.
  size_t number = 0;
  int64_t stored_offset = 0;

  absl::string_view plain_text() const { return absl::string_view(plain.data(), plain_size); }
  absl::string_view stored_bytes() const { return absl::string_view(stored.data(), stored_size); }
};

// Takes blocks through work that several threads do at once, and hands them on one by one in the order they came.
// Memory is that of `block_count` blocks, whatever passes. One thread puts blocks in; it waits when all are under way.
class BlockPipeline {
 public:
  // Done to a block by any thread, many at once.
  using Work = std::function<absl::Status(Block&)>;
  // Each thread has a Work of its own, made by `make_work`. `take` gets the blocks in order, never two at once. With no
  // threads, Put does all of it.
  BlockPipeline(int thread_count, size_t block_count, const std::function<Work()>& make_work, Work take);
  // What was not taken is dropped.
  ~BlockPipeline();
  BlockPipeline(const BlockPipeline&) = delete;
  BlockPipeline& operator=(const BlockPipeline&) = delete;

  // A block to fill; its sizes are 0. The first error in the order of the blocks, of the work or of `take`, after which
  // nothing is done any more.
  absl::StatusOr<std::unique_ptr<Block>> Get();
  void Put(std::unique_ptr<Block> block);
  // Returns when all that was put in has been taken, or after the first error.
  absl::Status Finish();

 private:
  struct Item {
    std::unique_ptr<Block> block;
    bool done = false;
    absl::Status status;  // Of the work.
  };

  void Run(const Work& work);
  // Marks `item` as done and takes what is at the front, unless another thread is at it.
  void Complete(Item& item, const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Work take_;
  const size_t block_count_;
  Work own_work_;  // With no threads.

  mutable Mutex mu_;
  CondVar changed_;
  std::vector<std::unique_ptr<Block>> free_ ABSL_GUARDED_BY(mu_);
  size_t made_ ABSL_GUARDED_BY(mu_) = 0;
  std::deque<std::unique_ptr<Item>> items_ ABSL_GUARDED_BY(mu_);  // In order; until taken.
  std::deque<Item*> to_do_ ABSL_GUARDED_BY(mu_);
  bool taking_ ABSL_GUARDED_BY(mu_) = false;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status failed_ ABSL_GUARDED_BY(mu_);
  std::vector<std::thread> threads_;
};

}  // namespace backup::agent
