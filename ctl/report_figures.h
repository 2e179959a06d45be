// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "backup/v1/report_service.pb.h"

namespace backup::ctl {

// What a report comes to, and its figures as people read them; for the terminal and for Markdown alike.

// Of some databases together.
struct ReportTotals {
  int64_t database_count = 0;
  int64_t uncovered_count = 0;  // No policy covers them or made runs of them.
  int64_t expected_count = 0;   // As in PolicyReport.
  int64_t good_count = 0;
  int64_t open_count = 0;
  int64_t drill_count = 0;  // Those that have ended.
  int64_t passed_drill_count = 0;
  int64_t promise_count = 0;                        // Policies that are there, and so promise to keep something.
  int64_t shortfall_count = 0;                      // Rules that promise more than there is,
  int64_t missing_count = 0;                        // and of those the ones for which good backups are missing.
  int64_t flawed_count = 0;                         // Backups that are not good now.
  int64_t frozen_count = 0;                         // Databases of which some policy deletes nothing for now.
  const v1::DatabaseReport* longest_gap = nullptr;  // The database that has it; null when none has a gap.
};
ReportTotals TotalsOf(const v1::Report& report);
ReportTotals TotalsOf(const v1::DatabaseReport& database);
// Of one policy: its counts, without drills and gaps, which are the database's.
ReportTotals TotalsOf(const v1::PolicyReport& policy);

// "97.7%", rounded down, so that only all of them are "100%"; "" when nothing ended.
std::string RateText(int64_t good_count, int64_t ended_count);
// "2d3h", in whole minutes; below an hour in whole seconds.
std::string GapText(absl::Duration gap);
// "2d3h from 2026-11-20T22:00:00Z"; "" without one.
std::string LongestGapText(const v1::DatabaseReport& database);
// "3 rules fall short, 1 of them for want of good backups"; "every rule is met"; "" when nothing is promised.
std::string ShortfallsText(const ReportTotals& totals);
// "1 of 2"; "" without drills. One that has not ended does not count.
std::string PassedDrillsText(const ReportTotals& totals);
// The end of a drill in a word: "passed", "failed".
std::string DrillOutcome(v1::RunState state);
// Why it did not pass; or what its backup was found to be since. "" for neither.
std::string DrillRemark(const v1::DrillReport& drill);

// One figure of the good backups over the span.
struct Trend {
  int64_t first = 0;
  int64_t last = 0;
  int64_t least = 0;
  int64_t most = 0;
};
// Nothing without a good backup in the span.
std::optional<Trend> TrendOf(const v1::DatabaseReport& database,
                             const std::function<int64_t(const v1::SizePoint&)>& of);
// "+12.5%" from the first to the last, "0%" for next to nothing; "" when the first is 0.
std::string ChangeText(const Trend& trend);

}  // namespace backup::ctl
