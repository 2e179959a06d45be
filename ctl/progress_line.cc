// SPDX-License-Identifier: Apache-2.0
#include "ctl/progress_line.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/proto_json.h"
#include "base/text.h"
#include "base/units.h"
#include "ctl/display_width.h"
#include "ctl/short_name.h"
#include "ctl/value_text.h"

namespace backup::ctl {
namespace {

constexpr absl::Duration kWindow = absl::Seconds(20);
constexpr int kBarCells = 20;

const char* PhaseWord(const v1::Run& run) {
  if (run.cancel_requested()) return "stopping";
  switch (run.state()) {
    case v1::RUNNING:
      break;
    case v1::SCHEDULED:
    case v1::PENDING:
      return "waiting for the agent";
    default:
      return "";
  }
  switch (run.progress().phase()) {
    case v1::DUMPING:
      return "dumping";
    case v1::VERIFYING:
      return "verifying";
    case v1::PUBLISHING:
      return "publishing";
    case v1::RESTORING:
      return "restoring";
    case v1::COMPARING:
      return "comparing";
    case v1::REMOVING:
      return "removing";
    default:
      return "preparing";
  }
}

// 0 to 1; never quite 1, because the estimate may be short of the truth.
std::optional<double> Share(const v1::Progress& progress) {
  if (progress.estimated_plain_bytes() <= 0) return std::nullopt;
  const double share =
      static_cast<double>(progress.plain_bytes()) / static_cast<double>(progress.estimated_plain_bytes());
  return std::clamp(share, 0.0, 0.99);
}

std::string Bar(double share) {
  const int full = static_cast<int>(share * kBarCells);
  return absl::StrCat("[", std::string(full, '#'), std::string(kBarCells - full, '-'), "]");
}

}  // namespace

void ProgressMeter::Add(const v1::Progress& progress) {
  if (progress.phase() != phase_) samples_.clear();
  phase_ = progress.phase();
  const absl::Time time = ToAbsl(progress.update_time());
  if (!progress.has_update_time() || (!samples_.empty() && time <= samples_.back().time)) return;
  samples_.push_back({time, progress.plain_bytes()});
  while (samples_.size() > 2 && samples_.front().time < time - kWindow) samples_.pop_front();
}

std::optional<double> ProgressMeter::BytesPerSecond() const {
  if (samples_.size() < 2) return std::nullopt;
  const double seconds = absl::ToDoubleSeconds(samples_.back().time - samples_.front().time);
  const double rate = static_cast<double>(samples_.back().plain_bytes - samples_.front().plain_bytes) / seconds;
  if (rate < 0) return std::nullopt;
  return rate;
}

std::string ProgressLine(const v1::Run& run, const ProgressMeter& meter, std::optional<int> columns) {
  const v1::Progress& progress = run.progress();
  std::vector<std::string> parts = {CleanText(ShortName(run.database())), PhaseWord(run)};
  if (run.state() == v1::RUNNING && progress.plain_bytes() > 0) {
    const std::optional<double> share = Share(progress);
    if (share && columns) parts.push_back(Bar(*share));
    if (share) parts.push_back(absl::StrCat("≈", static_cast<int>(*share * 100), "%"));
    parts.push_back(absl::StrCat(FormatSize(progress.plain_bytes()),
                                 share ? absl::StrCat(" of ≈", FormatSize(progress.estimated_plain_bytes())) : ""));
    if (const std::optional<double> rate = meter.BytesPerSecond(); rate && *rate > 0) {
      parts.push_back(absl::StrCat(FormatSize(static_cast<int64_t>(*rate)), "/s"));
      const double left = static_cast<double>(progress.estimated_plain_bytes() - progress.plain_bytes()) / *rate;
      if (share && left >= 0) {
        parts.push_back(
            absl::StrCat("≈", backup::FormatDuration(absl::Ceil(absl::Seconds(left), absl::Seconds(1))), " left"));
      }
    }
  }
  std::string line;
  for (const std::string& part : parts) {
    const std::string longer = line.empty() ? part : absl::StrCat(line, "  ", part);
    if (columns && !line.empty() && DisplayWidth(longer) > *columns) break;
    line = longer;
  }
  return columns ? CutToWidth(line, *columns) : line;
}

}  // namespace backup::ctl
