// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/dump_stream.h"

#include <thread>

#include "agent/pipeline/chunk_queue.h"
#include "agent/pipeline/job_failure.h"
#include "base/clock.h"
#include "base/status_macros.h"

namespace backup::agent {
namespace {

constexpr size_t kChunkBytes = 256 << 10;
constexpr size_t kChunkCount = 16;

// The storing side, on its own thread.
absl::Status StoreChunks(ChunkQueue& queue, DumpStore& store, ProgressMeter* progress) {
  while (std::unique_ptr<Chunk> chunk = queue.TakeFull()) {
    absl::Status status = store.Write(absl::string_view(chunk->buffer.data(), chunk->size));
    if (!status.ok()) {
      queue.Stop();
      return status;
    }
    queue.ReturnEmpty(std::move(chunk));
    if (progress != nullptr && progress->IsDue()) {
      progress->Update(store.scanner().plain_bytes(), store.stored_bytes(), store.scanner().row_count(),
                       store.scanner().tables_done());
    }
  }
  return absl::OkStatus();
}

// The reading side. OK at the end of the output, and when the storing side has stopped.
absl::Status ReadChunks(DumpProcess& process, const DumpLimits& limits, ChunkQueue& queue) {
  while (true) {
    std::unique_ptr<Chunk> chunk = queue.TakeEmpty(limits.deadline_monotonic - Clock::Real().Monotonic());
    if (chunk == nullptr) {
      return queue.stopped()
                 ? absl::OkStatus()
                 : JobError(v1::TIMEOUT, "the run took longer than it may, waiting for the repository's disk",
                            "look for a disk that hangs, or raise dump.timeout");
    }
    ASSIGN_OR_RETURN(chunk->size, process.Read(chunk->buffer.data(), chunk->buffer.size()));
    if (chunk->size == 0) {
      return absl::OkStatus();
    }
    queue.PushFull(std::move(chunk));
  }
}

}  // namespace

absl::StatusOr<std::vector<std::string>> RunDumpStream(DumpProcess& process, DumpStore& store, const DumpLimits& limits,
                                                       ProgressMeter* progress) {
  ChunkQueue queue(kChunkBytes, kChunkCount);
  absl::Status stored;
  std::thread storing([&] { stored = StoreChunks(queue, store, progress); });
  const absl::Status read = ReadChunks(process, limits, queue);
  queue.Close();
  storing.join();
  if (!read.ok() || !stored.ok()) {
    process.Abandon();
    return read.ok() ? stored : read;
  }
  // How the child ended says more than that its text is not whole.
  ASSIGN_OR_RETURN(std::vector<std::string> lines, process.Finish());
  if (progress != nullptr) {
    progress->Update(store.scanner().plain_bytes(), store.stored_bytes(), store.scanner().row_count(),
                     store.scanner().tables_done());
  }
  RETURN_IF_ERROR(store.Finish());
  return lines;
}

}  // namespace backup::agent
