// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/progress_meter.h"

#include "base/proto_json.h"

namespace backup::agent {
namespace {
constexpr absl::Duration kPeriod = absl::Milliseconds(100);
}  // namespace

void ProgressMeter::SetEstimate(int64_t estimated_plain_bytes, int32_t table_count) {
  MutexLock lock(mu_);
  progress_.set_estimated_plain_bytes(estimated_plain_bytes);
  progress_.set_table_count(table_count);
}

void ProgressMeter::SetPhase(v1::RunPhase phase) {
  v1::Progress told;
  {
    MutexLock lock(mu_);
    progress_.set_phase(phase);
    *progress_.mutable_update_time() = ToProto(clock_.Now());
    told_ = clock_.Monotonic();
    told = progress_;
  }
  observer_.OnProgress(told);
}

bool ProgressMeter::IsDue() const {
  MutexLock lock(mu_);
  return clock_.Monotonic() - told_ >= kPeriod;
}

void ProgressMeter::Update(int64_t plain_bytes, int64_t stored_bytes, int64_t row_count, int32_t tables_done) {
  {
    MutexLock lock(mu_);
    progress_.set_plain_bytes(plain_bytes);
    progress_.set_stored_bytes(stored_bytes);
    progress_.set_row_count(row_count);
    progress_.set_tables_done(tables_done);
  }
  Tell(kPeriod);
}

void ProgressMeter::Add(const ProgressCounts& more) {
  {
    MutexLock lock(mu_);
    progress_.set_plain_bytes(progress_.plain_bytes() + more.plain_bytes);
    progress_.set_stored_bytes(progress_.stored_bytes() + more.stored_bytes);
    progress_.set_row_count(progress_.row_count() + more.row_count);
    progress_.set_tables_done(progress_.tables_done() + more.tables_done);
  }
  Tell(kPeriod);
}

void ProgressMeter::TellNow() { Tell(absl::ZeroDuration()); }

void ProgressMeter::Tell(absl::Duration period) {
  v1::Progress told;
  {
    MutexLock lock(mu_);
    if (clock_.Monotonic() - told_ < period) {
      return;
    }
    *progress_.mutable_update_time() = ToProto(clock_.Now());
    told_ = clock_.Monotonic();
    told = progress_;
  }
  observer_.OnProgress(told);
}

}  // namespace backup::agent
