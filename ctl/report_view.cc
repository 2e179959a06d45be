// SPDX-License-Identifier: Apache-2.0
#include "ctl/report_view.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/proto_json.h"
#include "base/text.h"
#include "base/units.h"
#include "ctl/report_figures.h"
#include "ctl/short_name.h"
#include "ctl/table.h"
#include "ctl/value_text.h"

namespace backup::ctl {
namespace {

using Align = Column::Align;

// In what colour `good` of `all` is to be seen.
Color ShareColor(int64_t good, int64_t all) {
  if (all == 0) return Color::kNone;
  return good >= all ? Color::kGreen : good == 0 ? Color::kRed : Color::kYellow;
}

std::string Some(int64_t count) { return count == 0 ? "" : CountText(count); }

Color ShortfallColor(const ReportTotals& totals) {
  if (totals.shortfall_count == 0) return Color::kGreen;
  return totals.missing_count == 0 ? Color::kNone : Color::kYellow;
}

Cell DatabasesCell(const ReportTotals& totals) {
  if (totals.uncovered_count == 0) return CountText(totals.database_count);
  return {
      absl::StrCat(CountText(totals.database_count), ", no policy for ", CountText(totals.uncovered_count), " of them"),
      Color::kYellow};
}

Cell SuccessCell(const ReportTotals& totals) {
  const int64_t ended = totals.expected_count - totals.open_count;
  std::string text = ended == 0
                         ? "no slot was due"
                         : absl::StrCat(CountText(totals.good_count), " of ", CountText(ended),
                                        " due slots brought a good backup (", RateText(totals.good_count, ended), ")");
  if (totals.open_count > 0) absl::StrAppend(&text, ", ", CountText(totals.open_count), " not ended yet");
  return {text, ShareColor(totals.good_count, ended)};
}

Cell DrillsCell(const ReportTotals& totals) {
  if (totals.drill_count == 0) return {"none: nothing proves that a backup comes back", Color::kYellow};
  return {absl::StrCat(PassedDrillsText(totals), " passed"), ShareColor(totals.passed_drill_count, totals.drill_count)};
}

std::vector<Fact> SummaryFacts(const v1::Report& report) {
  const ReportTotals totals = TotalsOf(report);
  const absl::Time since = ToAbsl(report.since_time());
  const absl::Time until = ToAbsl(report.until_time());
  std::vector<Fact> facts = {{"From", FormatRfc3339(since)},
                             {"To", absl::StrCat(FormatRfc3339(until), " (", GapText(until - since), ")")},
                             {"Databases", DatabasesCell(totals)},
                             {"Success", SuccessCell(totals)}};
  if (totals.longest_gap != nullptr) {
    facts.push_back({"Longest gap", absl::StrCat(LongestGapText(*totals.longest_gap), ", ",
                                                 ShortName(totals.longest_gap->database()))});
  }
  facts.push_back({"Drills", DrillsCell(totals)});
  if (totals.flawed_count > 0) {
    facts.push_back({"Not good now", {BackupsText(totals.flawed_count), Color::kRed}});
  }
  if (totals.promise_count > 0) facts.push_back({"Retention", {ShortfallsText(totals), ShortfallColor(totals)}});
  if (totals.frozen_count > 0) {
    facts.push_back({"Frozen",
                     {absl::StrCat("nothing goes for now from ", CountText(totals.frozen_count),
                                   totals.frozen_count == 1 ? " database" : " databases"),
                      Color::kYellow}});
  }
  return facts;
}

std::vector<Cell> DatabaseRow(const v1::DatabaseReport& database, const v1::PolicyReport& policy) {
  const int64_t ended = policy.expected_count() - policy.open_count();
  const std::optional<Trend> size = TrendOf(database, [](const v1::SizePoint& point) { return point.size_bytes(); });
  const ReportTotals totals = TotalsOf(database);
  return {ShortName(database.database()),
          policy.policy().empty() ? Cell("none", Color::kYellow) : Cell(ShortName(policy.policy())),
          Some(policy.expected_count()),
          policy.expected_count() == 0 ? "" : CountText(policy.good_count()),
          {RateText(policy.good_count(), ended), ShareColor(policy.good_count(), ended)},
          Some(policy.not_good_count()),
          Some(policy.failed_count()),
          Some(policy.missed_count()),
          Some(policy.skipped_count()),
          Some(policy.lost_count()),
          Some(policy.cancelled_count()),
          Some(policy.open_count()),
          database.has_longest_gap() ? GapText(ToAbsl(database.longest_gap())) : "",
          size.has_value() ? FormatSize(size->last) : "",
          size.has_value() ? ChangeText(*size) : "",
          {PassedDrillsText(totals), ShareColor(totals.passed_drill_count, totals.drill_count)},
          policy.shortfalls().empty() ? Cell("")
                                      : Cell(absl::StrCat(policy.shortfalls_size()), ShortfallColor(TotalsOf(policy)))};
}

Table DatabasesTable(const v1::Report& report) {
  Table table{{{"DATABASE", Align::kLeft, false, true},
               {"POLICY"},
               {"DUE", Align::kRight},
               {"GOOD", Align::kRight},
               {"SUCCESS", Align::kRight},
               {"NOT GOOD", Align::kRight, true},
               {"FAILED", Align::kRight},
               {"MISSED", Align::kRight},
               {"SKIPPED", Align::kRight, true},
               {"LOST", Align::kRight, true},
               {"CANCELLED", Align::kRight, true},
               {"OPEN", Align::kRight, true},
               {"LONGEST GAP", Align::kRight},
               {"SIZE", Align::kRight},
               {"CHANGE", Align::kRight},
               {"DRILLS", Align::kRight},
               {"SHORT", Align::kRight}},
              {}};
  for (const v1::DatabaseReport& database : report.databases()) {
    for (const v1::PolicyReport& policy : database.policies()) table.rows.push_back(DatabaseRow(database, policy));
    if (database.policies().empty()) table.rows.push_back(DatabaseRow(database, v1::PolicyReport()));
  }
  return table;
}

std::string ShortfallLines(const v1::Report& report) {
  std::string out;
  for (const v1::DatabaseReport& database : report.databases()) {
    for (const v1::PolicyReport& policy : database.policies()) {
      for (const v1::RetentionShortfall& shortfall : policy.shortfalls()) {
        absl::StrAppend(&out, "  ",
                        CleanText(absl::StrCat(ShortName(database.database()), ", ", ShortName(policy.policy()), ": ",
                                               shortfall.text())),
                        "\n");
      }
    }
  }
  return out;
}

std::string FrozenLines(const v1::Report& report) {
  std::string out;
  for (const v1::DatabaseReport& database : report.databases()) {
    for (const v1::PolicyReport& policy : database.policies()) {
      const v1::PolicyRetention& retention = policy.retention();
      if (retention.frozen().empty()) continue;
      absl::StrAppend(&out, "  ",
                      CleanText(absl::StrCat(ShortName(database.database()), ", ", ShortName(policy.policy()), ": ",
                                             BackupsText(retention.delete_count()), " would go, but ",
                                             absl::StrJoin(retention.frozen(), "; "))),
                      "\n");
    }
  }
  return out;
}

std::string FlawedLines(const v1::Report& report) {
  std::string out;
  for (const v1::DatabaseReport& database : report.databases()) {
    const std::string name = ShortName(database.database());
    for (const v1::FlawedBackup& flawed : database.flawed()) {
      absl::StrAppend(
          &out, "  ",
          CleanText(absl::StrCat(name, ", ", ShortName(flawed.backup()), ": ", v1::BackupState_Name(flawed.state()),
                                 flawed.reason().empty() ? "" : ", ", flawed.reason())),
          "\n");
    }
    if (database.flawed_count() > database.flawed_size()) {
      absl::StrAppend(&out, "  ", name, ": and ", BackupsText(database.flawed_count() - database.flawed_size()), "\n");
    }
  }
  return out;
}

// A list under its title; "" without lines.
std::string Listed(const char* title, const std::string& lines, const Output& output) {
  return lines.empty() ? "" : absl::StrCat("\n", output.Paint(title, Color::kYellow), "\n", lines);
}

std::string TrendText(const v1::DatabaseReport& database, const std::function<int64_t(const v1::SizePoint&)>& of,
                      const std::function<std::string(int64_t)>& text) {
  const std::optional<Trend> trend = TrendOf(database, of);
  if (!trend.has_value()) return "";
  const std::string change = ChangeText(*trend);
  return absl::StrCat(text(trend->first), " at first, ", text(trend->last), " at last",
                      change.empty() ? "" : absl::StrCat(" (", change, ")"), "; ", text(trend->least), " to ",
                      text(trend->most));
}

std::vector<Fact> DetailFacts(const v1::DatabaseReport& database) {
  return {{"Database", ShortName(database.database())},
          {"Longest gap", LongestGapText(database)},
          {"Made", absl::StrCat(CountText(database.made_count()), " good backups")},
          {"There now", absl::StrCat(CountText(database.good_backup_count()), " good backups, ",
                                     CountText(database.proven_backup_count()), " proven by a drill")},
          {"Size on disk", TrendText(
                               database, [](const v1::SizePoint& p) { return p.size_bytes(); }, FormatSize)},
          {"Size decoded", TrendText(
                               database, [](const v1::SizePoint& p) { return p.plain_bytes(); }, FormatSize)},
          {"Rows", TrendText(
                       database, [](const v1::SizePoint& p) { return p.row_count(); }, CountText)}};
}

Table DrillsTable(const v1::DatabaseReport& database, absl::Time now) {
  Table table{{{"DRILL"},
               {"DUE"},
               {"BACKUP"},
               {"STATE"},
               {"RESTORED IN", Align::kRight},
               {"ALLOWED", Align::kRight},
               {"WHY", Align::kLeft, false, true}},
              {}};
  for (const v1::DrillReport& drill : database.drills()) {
    table.rows.push_back(
        {ShortName(drill.run()), RelativeText(drill.has_slot_time(), drill.slot_time(), now), ShortName(drill.backup()),
         StateCell(drill.state()), drill.has_restore_duration() ? ElapsedText(ToAbsl(drill.restore_duration())) : "",
         drill.has_max_duration() ? backup::FormatDuration(ToAbsl(drill.max_duration())) : "", DrillRemark(drill)});
  }
  return table;
}

}  // namespace

std::string ReportText(const v1::Report& report, bool in_detail, const Output& output, absl::Time now) {
  const bool color = output.options().color;
  std::string out = LayOutFacts(SummaryFacts(report), color);
  if (report.databases().empty()) return out;
  absl::StrAppend(&out, "\n", output.Layout(DatabasesTable(report)));
  absl::StrAppend(&out, Listed("Backups that are not good", FlawedLines(report), output),
                  Listed("Rules that promise more than there is", ShortfallLines(report), output),
                  Listed("Deletions that something stands against", FrozenLines(report), output));
  for (const v1::DatabaseReport& database : report.databases()) {
    if (!in_detail) break;
    absl::StrAppend(&out, "\n", LayOutFacts(DetailFacts(database), color));
    if (!database.drills().empty()) absl::StrAppend(&out, "\n", output.Layout(DrillsTable(database, now)));
  }
  return out;
}

}  // namespace backup::ctl
