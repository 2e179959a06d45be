// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/block_pipeline.h"

#include <utility>

namespace backup::agent {

BlockPipeline::BlockPipeline(int thread_count, size_t block_count, const std::function<Work()>& make_work, Work take)
    : take_(std::move(take)), block_count_(block_count) {
  if (thread_count == 0) {
    own_work_ = make_work();
  }
  for (int i = 0; i < thread_count; ++i) {
    threads_.emplace_back([this, work = make_work()] { Run(work); });
  }
}

BlockPipeline::~BlockPipeline() {
  {
    MutexLock lock(mu_);
    stopped_ = true;
    changed_.NotifyAll();
  }
  for (std::thread& thread : threads_) {
    thread.join();
  }
}

absl::StatusOr<std::unique_ptr<Block>> BlockPipeline::Get() {
  MutexLock lock(mu_);
  while (failed_.ok() && free_.empty() && made_ == block_count_) {
    changed_.Wait(mu_);
  }
  if (!failed_.ok()) {
    return failed_;
  }
  if (free_.empty()) {
    ++made_;
    return std::make_unique<Block>();
  }
  std::unique_ptr<Block> block = std::move(free_.back());
  free_.pop_back();
  block->plain_size = block->stored_size = 0;
  return block;
}

void BlockPipeline::Put(std::unique_ptr<Block> block) {
  if (own_work_) {
    absl::Status status = own_work_(*block);
    if (status.ok()) {
      status = take_(*block);
    }
    MutexLock lock(mu_);
    failed_.Update(status);
    free_.push_back(std::move(block));
    return;
  }
  MutexLock lock(mu_);
  items_.push_back(std::make_unique<Item>());
  items_.back()->block = std::move(block);
  to_do_.push_back(items_.back().get());
  changed_.NotifyAll();
}

absl::Status BlockPipeline::Finish() {
  MutexLock lock(mu_);
  while (failed_.ok() && !items_.empty()) {
    changed_.Wait(mu_);
  }
  return failed_;
}

void BlockPipeline::Run(const Work& work) {
  mu_.Lock();
  while (true) {
    while (!stopped_ && (to_do_.empty() || !failed_.ok())) {
      changed_.Wait(mu_);
    }
    if (stopped_) {
      break;
    }
    Item& item = *to_do_.front();
    to_do_.pop_front();
    mu_.Unlock();
    const absl::Status status = work(*item.block);
    mu_.Lock();
    Complete(item, status);
  }
  mu_.Unlock();
}

void BlockPipeline::Complete(Item& item, const absl::Status& status) {
  item.done = true;
  item.status = status;
  if (taking_) {
    return;  // Whoever is at it comes to this one too.
  }
  taking_ = true;
  while (failed_.ok() && !stopped_ && !items_.empty() && items_.front()->done) {
    // Stays at the front, so that Finish waits for it.
    Item& front = *items_.front();
    if (!front.status.ok()) {
      failed_ = front.status;
      break;
    }
    mu_.Unlock();
    absl::Status taken = take_(*front.block);
    mu_.Lock();
    failed_.Update(taken);
    free_.push_back(std::move(front.block));
    items_.pop_front();
    changed_.NotifyAll();
  }
  taking_ = false;
  if (!failed_.ok()) {
    changed_.NotifyAll();
  }
}

}  // namespace backup::agent
