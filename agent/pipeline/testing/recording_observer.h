// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agent/pipeline/job.h"
#include "base/mutex.h"

namespace backup::agent::testing {

// Remembers what a job tells. Thread-safe.
class RecordingObserver : public JobObserver {
 public:
  // `on_progress` (may be empty) is called with each report, on the job's thread.
  explicit RecordingObserver(std::function<void(const v1::Progress&)> on_progress = nullptr)
      : on_progress_(std::move(on_progress)) {}

  void OnProgress(const v1::Progress& progress) override {
    {
      MutexLock lock(mu_);
      if (phases_.empty() || phases_.back() != progress.phase()) {
        phases_.push_back(progress.phase());
      }
      last_ = progress;
      ++report_count_;
    }
    if (on_progress_) {
      on_progress_(progress);
    }
  }
  void OnLog(const std::string& line) override {
    MutexLock lock(mu_);
    lines_.push_back(line);
  }

  // Each phase once for each time it began.
  std::vector<v1::RunPhase> phases() const {
    MutexLock lock(mu_);
    return phases_;
  }
  v1::Progress last() const {
    MutexLock lock(mu_);
    return last_;
  }
  int report_count() const {
    MutexLock lock(mu_);
    return report_count_;
  }
  std::vector<std::string> lines() const {
    MutexLock lock(mu_);
    return lines_;
  }

 private:
  const std::function<void(const v1::Progress&)> on_progress_;
  mutable Mutex mu_;
  std::vector<v1::RunPhase> phases_ ABSL_GUARDED_BY(mu_);
  v1::Progress last_ ABSL_GUARDED_BY(mu_);
  int report_count_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<std::string> lines_ ABSL_GUARDED_BY(mu_);
};

}  // namespace backup::agent::testing
