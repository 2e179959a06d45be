// SPDX-License-Identifier: Apache-2.0
#include "agent/command_progress.h"

#include <ostream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/units.h"

namespace backup::agent {
namespace {

constexpr absl::Duration kLinePeriod = absl::Seconds(10);

std::string ProgressLine(const v1::Progress& progress) {
  std::string line = absl::StrCat(absl::AsciiStrToLower(v1::RunPhase_Name(progress.phase())), ": ",
                                  FormatSize(progress.plain_bytes()));
  if (progress.estimated_plain_bytes() > 0) {
    absl::StrAppend(&line, " of about ", FormatSize(progress.estimated_plain_bytes()));
  }
  absl::StrAppend(&line, ", ", progress.row_count(), " rows, ", progress.tables_done());
  if (progress.table_count() > 0) {
    absl::StrAppend(&line, " of ", progress.table_count());
  }
  return absl::StrCat(line, " tables");
}

}  // namespace

CommandProgress::CommandProgress(std::ostream& err, Clock& clock, bool show_progress, bool is_terminal)
    : clock_(clock), show_progress_(show_progress), is_terminal_(is_terminal), err_(err), shown_(clock.Monotonic()) {}

CommandProgress::~CommandProgress() {
  MutexLock lock(mu_);
  ClearLine();
}

void CommandProgress::ClearLine() {
  if (line_open_) {
    err_ << "\r\x1b[K" << std::flush;
    line_open_ = false;
  }
}

void CommandProgress::OnProgress(const v1::Progress& progress) {
  if (!show_progress_ || progress.phase() == v1::PREPARING) {
    return;
  }
  MutexLock lock(mu_);
  if (is_terminal_) {
    err_ << "\r\x1b[K" << ProgressLine(progress) << std::flush;
    line_open_ = true;
  } else if (clock_.Monotonic() - shown_ >= kLinePeriod) {
    shown_ = clock_.Monotonic();
    err_ << ProgressLine(progress) << std::endl;
  }
}

void CommandProgress::OnLog(const std::string& line) {
  MutexLock lock(mu_);
  ClearLine();
  err_ << line << std::endl;
}

}  // namespace backup::agent
