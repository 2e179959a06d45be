// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>
#include <string>

#include "absl/time/time.h"
#include "agent/pipeline/job.h"
#include "base/clock.h"
#include "base/mutex.h"

namespace backup::agent {

// Shows a job's log, and how far it is, to a person: on a terminal one line that is redrawn, else a line every 10 s.
// Thread-safe.
class CommandProgress : public JobObserver {
 public:
  // `err` and `clock` are borrowed.
  CommandProgress(std::ostream& err, Clock& clock, bool show_progress, bool is_terminal);
  // Ends a line that is being redrawn.
  ~CommandProgress() override;

  void OnProgress(const v1::Progress& progress) override;
  void OnLog(const std::string& line) override;

 private:
  void ClearLine() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  Clock& clock_;
  const bool show_progress_;
  const bool is_terminal_;
  Mutex mu_;
  std::ostream& err_ ABSL_GUARDED_BY(mu_);
  bool line_open_ ABSL_GUARDED_BY(mu_) = false;
  absl::Duration shown_ ABSL_GUARDED_BY(mu_);
};

}  // namespace backup::agent
