// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/dump_stream.h"

#include "base/clock.h"
#include "base/status_macros.h"

namespace backup::agent {
namespace {

constexpr size_t kReadBytes = 1 << 20;

// Tells a meter that several streams share what has come since the last time.
class StreamProgress {
 public:
  StreamProgress(const DumpStore& store, ProgressMeter* meter) : store_(store), meter_(meter) {}

  void Tell() {
    if (meter_ == nullptr) {
      return;
    }
    const DumpScanner& scanner = store_.scanner();
    const ProgressCounts now = {scanner.plain_bytes(), store_.stored_bytes(), scanner.row_count(),
                                scanner.tables_done()};
    meter_->Add({now.plain_bytes - told_.plain_bytes, now.stored_bytes - told_.stored_bytes,
                 now.row_count - told_.row_count, now.tables_done - told_.tables_done});
    told_ = now;
  }

 private:
  const DumpStore& store_;
  ProgressMeter* const meter_;
  ProgressCounts told_;
};

absl::Status MoveAll(DumpProcess& process, DumpStore& store, RateLimit& rate, Cancellation& cancellation,
                     StreamProgress& progress) {
  std::vector<char> buffer(kReadBytes);
  while (true) {
    ASSIGN_OR_RETURN(const size_t count, process.Read(buffer.data(), buffer.size()));
    if (count == 0) {
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(store.Write(absl::string_view(buffer.data(), count)));
    progress.Tell();
    if (const absl::Duration wait = rate.Take(static_cast<int64_t>(count), Clock::Real().Monotonic());
        wait > absl::ZeroDuration()) {
      WaitUnlessCancelled(cancellation, wait);  // The next read says that it was cancelled.
    }
  }
}

}  // namespace

absl::StatusOr<std::vector<std::string>> RunDumpStream(DumpProcess& process, DumpStore& store, RateLimit& rate,
                                                       Cancellation& cancellation, ProgressMeter* progress) {
  StreamProgress told(store, progress);
  if (const absl::Status moved = MoveAll(process, store, rate, cancellation, told); !moved.ok()) {
    process.Abandon();
    return moved;
  }
  // How the child ended says more than that its text is not whole.
  ASSIGN_OR_RETURN(std::vector<std::string> lines, process.Finish());
  told.Tell();
  if (progress != nullptr) {
    progress->TellNow();
  }
  RETURN_IF_ERROR(store.EndDump());
  return lines;
}

}  // namespace backup::agent
