// SPDX-License-Identifier: Apache-2.0
#include "ctl/report_figures.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/proto_json.h"
#include "base/units.h"

namespace backup::ctl {
namespace {

void Add(const v1::PolicyReport& policy, ReportTotals& totals) {
  totals.expected_count += policy.expected_count();
  totals.good_count += policy.good_count();
  totals.open_count += policy.open_count();
  totals.promise_count += policy.has_retention() ? 1 : 0;
  totals.shortfall_count += policy.shortfalls_size();
  totals.missing_count +=
      std::count_if(policy.shortfalls().begin(), policy.shortfalls().end(),
                    [](const v1::RetentionShortfall& shortfall) { return shortfall.cause() == v1::BACKUPS_MISSING; });
}

void Add(const v1::DatabaseReport& database, ReportTotals& totals) {
  ++totals.database_count;
  totals.uncovered_count += database.policies().empty() ? 1 : 0;
  totals.flawed_count += database.flawed_count();
  for (const v1::PolicyReport& policy : database.policies()) Add(policy, totals);
  totals.frozen_count += std::any_of(database.policies().begin(), database.policies().end(),
                                     [](const v1::PolicyReport& p) { return !p.retention().frozen().empty(); })
                             ? 1
                             : 0;
  for (const v1::DrillReport& drill : database.drills()) {
    if (drill.state() == v1::PENDING || drill.state() == v1::RUNNING) continue;
    ++totals.drill_count;
    totals.passed_drill_count += drill.state() == v1::SUCCEEDED ? 1 : 0;
  }
  if (!database.has_longest_gap()) return;
  if (totals.longest_gap == nullptr || ToAbsl(database.longest_gap()) > ToAbsl(totals.longest_gap->longest_gap())) {
    totals.longest_gap = &database;
  }
}

}  // namespace

ReportTotals TotalsOf(const v1::Report& report) {
  ReportTotals totals;
  for (const v1::DatabaseReport& database : report.databases()) Add(database, totals);
  return totals;
}

ReportTotals TotalsOf(const v1::DatabaseReport& database) {
  ReportTotals totals;
  Add(database, totals);
  return totals;
}

ReportTotals TotalsOf(const v1::PolicyReport& policy) {
  ReportTotals totals;
  Add(policy, totals);
  return totals;
}

std::string ShortfallsText(const ReportTotals& totals) {
  if (totals.promise_count == 0) return "";
  if (totals.shortfall_count == 0) return "every rule is met";
  std::string text =
      absl::StrCat(totals.shortfall_count, totals.shortfall_count == 1 ? " rule falls short" : " rules fall short");
  if (totals.missing_count == 0) return absl::StrCat(text, ", none of them for want of good backups");
  if (totals.missing_count == totals.shortfall_count) return absl::StrCat(text, " for want of good backups");
  return absl::StrCat(text, ", ", totals.missing_count, " of them for want of good backups");
}

std::string RateText(int64_t good_count, int64_t ended_count) {
  if (ended_count <= 0) return "";
  if (good_count >= ended_count) return "100%";
  const int64_t permille = good_count * 1000 / ended_count;
  return absl::StrCat(permille / 10, ".", permille % 10, "%");
}

std::string GapText(absl::Duration gap) {
  return backup::FormatDuration(absl::Trunc(gap, gap < absl::Hours(1) ? absl::Seconds(1) : absl::Minutes(1)));
}

std::string LongestGapText(const v1::DatabaseReport& database) {
  if (!database.has_longest_gap()) return "";
  return absl::StrCat(GapText(ToAbsl(database.longest_gap())), " from ",
                      FormatRfc3339(ToAbsl(database.longest_gap_start_time())));
}

std::string PassedDrillsText(const ReportTotals& totals) {
  return totals.drill_count == 0 ? "" : absl::StrCat(totals.passed_drill_count, " of ", totals.drill_count);
}

std::string DrillOutcome(v1::RunState state) {
  return state == v1::SUCCEEDED ? "passed" : absl::AsciiStrToLower(v1::RunState_Name(state));
}

std::string DrillRemark(const v1::DrillReport& drill) {
  if (!drill.reason().empty() || drill.backup_flaw() == v1::BACKUP_STATE_UNSPECIFIED) return drill.reason();
  return absl::StrCat("its backup is ", v1::BackupState_Name(drill.backup_flaw()), " now");
}

std::optional<Trend> TrendOf(const v1::DatabaseReport& database,
                             const std::function<int64_t(const v1::SizePoint&)>& of) {
  if (database.sizes().empty()) return std::nullopt;
  Trend trend;
  trend.first = trend.least = trend.most = of(*database.sizes().begin());
  for (const v1::SizePoint& point : database.sizes()) {
    trend.last = of(point);
    trend.least = std::min(trend.least, trend.last);
    trend.most = std::max(trend.most, trend.last);
  }
  return trend;
}

std::string ChangeText(const Trend& trend) {
  if (trend.first == 0) return "";
  const auto first = static_cast<double>(trend.first);
  const double percent = (static_cast<double>(trend.last) - first) * 100.0 / first;
  return std::abs(percent) < 0.05 ? "0%" : absl::StrFormat("%+.1f%%", percent);
}

}  // namespace backup::ctl
