// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "backup/v1/run.pb.h"

namespace backup::ctl {

// How fast a run goes, from what it reported lately. Counts again from nothing when the phase changes.
class ProgressMeter {
 public:
  void Add(const v1::Progress& progress);
  // Plain bytes a second over the last reports; nothing before there are two.
  std::optional<double> BytesPerSecond() const;

 private:
  struct Sample {
    absl::Time time;
    int64_t plain_bytes;
  };
  v1::RunPhase phase_ = v1::RUN_PHASE_UNSPECIFIED;
  std::deque<Sample> samples_;
};

// A run's progress in one line of at most `columns` cells:
//
//   db1/shop  dumping    [########------]  ≈57%  155.2 MiB of ≈273.0 MiB  21.0 MiB/s  ≈6s left
//
// Totals are estimates and say so (≈); where none is known there is no bar. What does not fit is left out from the end;
// without `columns` there is no limit and no bar.
std::string ProgressLine(const v1::Run& run, const ProgressMeter& meter, std::optional<int> columns);

}  // namespace backup::ctl
