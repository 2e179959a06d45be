// SPDX-License-Identifier: Apache-2.0
#include "ctl/report_markdown.h"

#include <functional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/proto_json.h"
#include "base/units.h"
#include "ctl/markdown.h"
#include "ctl/report_figures.h"
#include "ctl/short_name.h"
#include "ctl/value_text.h"

namespace backup::ctl {
namespace {

using Rows = std::vector<std::vector<std::string>>;

constexpr char kHowItIsCounted[] =
    "## How it is counted\n\n"
    "- **Due** is every slot of a policy's schedule in the span: a row in the catalog before its time, whatever became "
    "of "
    "it. Backups\n"
    "  by hand are not among them.\n"
    "- **Good** is a slot whose backup was read back from disk after it was made, agreed with what was counted while "
    "it was "
    "made, and\n"
    "  was as its policy expects. One that was found damaged later is **not good**; one that retention deleted was "
    "good.\n"
    "- **Success** is good by due, without slots that have not ended. Failed, missed, skipped, lost and cancelled ones "
    "count "
    "against it.\n"
    "- The **longest gap** is the longest time without a new good backup, from snapshot to snapshot: from the last one "
    "before the span\n"
    "  to its end, backups by hand included.\n"
    "- A **drill** restored a backup into an empty server and compared every table with what was stored. One that took "
    "longer than\n"
    "  allowed has failed.\n"
    "- A rule of retention **falls short** when it promises more backups than there are, now.\n";

std::string Name(const std::string& name) { return MarkdownText(ShortName(name)); }

std::string Time(const google::protobuf::Timestamp& time) { return FormatRfc3339(ToAbsl(time)); }

std::string RetentionText(const v1::PolicyReport& policy) {
  return policy.has_retention() ? ShortfallsText(TotalsOf(policy)) : "the policy is no more";
}

std::string Rate(const v1::PolicyReport& policy) {
  return RateText(policy.good_count(), policy.expected_count() - policy.open_count());
}

std::string Head(const v1::Report& report, absl::string_view controller) {
  const absl::Duration span = ToAbsl(report.until_time()) - ToAbsl(report.since_time());
  return absl::StrCat("# Backup report\n\n", "- Span: ", Time(report.since_time()), " to ", Time(report.until_time()),
                      " (", GapText(span), ")\n", "- Made: ", Time(report.time()), ", from the catalog of ",
                      MarkdownText(controller), "\n");
}

std::string Summary(const v1::Report& report) {
  Rows rows;
  for (const v1::DatabaseReport& database : report.databases()) {
    const std::string drills = PassedDrillsText(TotalsOf(database));
    const std::string gap = database.has_longest_gap() ? GapText(ToAbsl(database.longest_gap())) : "";
    for (const v1::PolicyReport& policy : database.policies()) {
      rows.push_back({Name(database.database()), Name(policy.policy()), CountText(policy.expected_count()),
                      CountText(policy.good_count()), Rate(policy), gap, drills, RetentionText(policy)});
    }
    if (database.policies().empty()) {
      rows.push_back({Name(database.database()), "", "0", "0", "", gap, drills, "**no policy covers it**"});
    }
  }
  const ReportTotals totals = TotalsOf(report);
  rows.push_back({"**All**", "", CountText(totals.expected_count), CountText(totals.good_count),
                  RateText(totals.good_count, totals.expected_count - totals.open_count),
                  totals.longest_gap == nullptr ? "" : GapText(ToAbsl(totals.longest_gap->longest_gap())),
                  PassedDrillsText(totals), ShortfallsText(totals)});
  return absl::StrCat("\n## Summary\n\n", MarkdownTable({{"Database"},
                                                         {"Policy"},
                                                         {"Due", true},
                                                         {"Good", true},
                                                         {"Success", true},
                                                         {"Longest gap", true},
                                                         {"Drills passed", true},
                                                         {"Retention"}},
                                                        rows));
}

std::string Slots(const v1::DatabaseReport& database) {
  if (database.policies().empty()) return "No policy covers it: nothing was due.\n";
  Rows rows;
  for (const v1::PolicyReport& policy : database.policies()) {
    rows.push_back({Name(policy.policy()), CountText(policy.expected_count()), CountText(policy.good_count()),
                    CountText(policy.not_good_count()), CountText(policy.failed_count()),
                    CountText(policy.missed_count()), CountText(policy.skipped_count()), CountText(policy.lost_count()),
                    CountText(policy.cancelled_count()), CountText(policy.open_count()), Rate(policy)});
  }
  return MarkdownTable({{"Policy"},
                        {"Due", true},
                        {"Good", true},
                        {"Not good", true},
                        {"Failed", true},
                        {"Missed", true},
                        {"Skipped", true},
                        {"Lost", true},
                        {"Cancelled", true},
                        {"Not ended", true},
                        {"Success", true}},
                       rows);
}

std::string GapAndCounts(const v1::DatabaseReport& database) {
  std::string gap = "- Nothing was due in the span, and no good backup was made in it or before.\n";
  if (database.has_longest_gap()) {
    const absl::Time start = ToAbsl(database.longest_gap_start_time());
    gap = absl::StrCat("- Longest time without a new good backup: ", GapText(ToAbsl(database.longest_gap())), ", from ",
                       FormatRfc3339(start), " to ", FormatRfc3339(start + ToAbsl(database.longest_gap())), ".\n");
  }
  return absl::StrCat(gap, "- Good backups made in the span: ", CountText(database.made_count()),
                      ". There now: ", CountText(database.good_backup_count()), ", of which ",
                      CountText(database.proven_backup_count()), " proven by a drill.\n");
}

std::string Trends(const v1::DatabaseReport& database) {
  if (database.sizes().empty()) return "";
  Rows rows;
  const auto add = [&](const std::string& title, const std::function<int64_t(const v1::SizePoint&)>& of,
                       const std::function<std::string(int64_t)>& text) {
    const Trend trend = *TrendOf(database, of);
    rows.push_back(
        {title, text(trend.first), text(trend.last), ChangeText(trend), text(trend.least), text(trend.most)});
  };
  add(
      "Size on disk", [](const v1::SizePoint& point) { return point.size_bytes(); }, FormatSize);
  add(
      "Size decoded", [](const v1::SizePoint& point) { return point.plain_bytes(); }, FormatSize);
  add(
      "Rows", [](const v1::SizePoint& point) { return point.row_count(); }, CountText);
  return absl::StrCat(
      "\n### Size and rows\n\n",
      MarkdownTable(
          {{"Of good backups"}, {"First", true}, {"Last", true}, {"Change", true}, {"Least", true}, {"Most", true}},
          rows));
}

std::string Drills(const v1::DatabaseReport& database) {
  if (database.drills().empty()) {
    return "\n### Drills\n\nNone in the span: nothing in it proves that a backup comes back.\n";
  }
  Rows rows;
  for (const v1::DrillReport& drill : database.drills()) {
    rows.push_back({Time(drill.slot_time()), Name(drill.backup()),
                    absl::StrCat(DrillOutcome(drill.state()), drill.manual() ? ", by hand" : ""),
                    drill.has_restore_duration() ? ElapsedText(ToAbsl(drill.restore_duration())) : "",
                    drill.has_max_duration() ? backup::FormatDuration(ToAbsl(drill.max_duration())) : "no limit",
                    MarkdownText(DrillRemark(drill))});
  }
  return absl::StrCat(
      "\n### Drills\n\n",
      MarkdownTable({{"Due"}, {"Backup"}, {"Outcome"}, {"Restored in", true}, {"Allowed", true}, {"Why"}}, rows));
}

std::string Flawed(const v1::DatabaseReport& database) {
  if (database.flawed().empty()) return "";
  Rows rows;
  for (const v1::FlawedBackup& flawed : database.flawed()) {
    rows.push_back({Time(flawed.snapshot_time()), Name(flawed.backup()), v1::BackupState_Name(flawed.state()),
                    MarkdownText(flawed.reason())});
  }
  std::string out = absl::StrCat("\n### Backups that are not good\n\n",
                                 MarkdownTable({{"Snapshot"}, {"Backup"}, {"State"}, {"Why"}}, rows));
  if (database.flawed_count() > database.flawed_size()) {
    absl::StrAppend(&out, "\nThese are the newest ", CountText(database.flawed_size()), " of ",
                    CountText(database.flawed_count()), ".\n");
  }
  return out;
}

std::string Retention(const v1::DatabaseReport& database) {
  std::string out;
  for (const v1::PolicyReport& policy : database.policies()) {
    if (!policy.has_retention()) {
      absl::StrAppend(&out, "- ", Name(policy.policy()), ": the policy is no more; its backups stay.\n");
      continue;
    }
    const v1::PolicyRetention& retention = policy.retention();
    absl::StrAppend(&out, "- ", Name(policy.policy()), ": keeps ", BackupsText(retention.keep_count()), " (",
                    FormatSize(retention.keep_bytes()), ")");
    if (retention.delete_count() > 0) {
      absl::StrAppend(&out, ", and would delete ", CountText(retention.delete_count()), " (",
                      FormatSize(retention.delete_bytes()), ")");
    }
    absl::StrAppend(&out, policy.shortfalls().empty() ? "; every rule is met.\n" : ".\n");
    for (const std::string& reason : retention.frozen()) {
      absl::StrAppend(&out, "  - Deletes nothing for now: ", MarkdownText(reason), ".\n");
    }
    if (retention.over_budget()) absl::StrAppend(&out, "  - What must stay is more than maxTotalBytes.\n");
    for (const v1::RetentionShortfall& shortfall : policy.shortfalls()) {
      absl::StrAppend(&out, "  - Falls short: ", MarkdownText(shortfall.text()), ".\n");
    }
  }
  return out.empty() ? "" : absl::StrCat("\n### Retention\n\n", out);
}

}  // namespace

std::string ReportMarkdown(const v1::Report& report, absl::string_view controller) {
  std::string out = Head(report, controller);
  if (report.databases().empty()) return absl::StrCat(out, "\nThere are no databases.\n");
  absl::StrAppend(&out, Summary(report));
  for (const v1::DatabaseReport& database : report.databases()) {
    absl::StrAppend(&out, "\n## ", Name(database.database()), "\n\n", Slots(database), "\n", GapAndCounts(database),
                    Trends(database), Drills(database), Flawed(database), Retention(database));
  }
  return absl::StrCat(out, "\n", kHowItIsCounted);
}

}  // namespace backup::ctl
