// SPDX-License-Identifier: Apache-2.0
#include "ctl/restore_view.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "base/proto_json.h"
#include "base/text.h"
#include "base/units.h"
#include "ctl/short_name.h"
#include "ctl/table.h"
#include "ctl/value_text.h"

namespace backup::ctl {
namespace {

std::string AboutText(absl::Duration duration) {
  return absl::StrCat("about ", backup::FormatDuration(absl::Ceil(duration, absl::Seconds(1))));
}

std::string TimeNeeded(const v1::Run& plan, const std::optional<MeasuredDrill>& drill, absl::Time now) {
  std::optional<absl::Duration> estimate;
  if (drill.has_value()) estimate = EstimateRestore(plan.restore_facts().plain_bytes(), *drill);
  if (!estimate.has_value()) {
    return "not known; a drill would measure it: backupctl drill run " + ShortName(plan.backup());
  }
  return absl::StrCat(AboutText(*estimate), "; a drill restored ", FormatSize(drill->backup.plain_bytes()), " in ",
                      ElapsedText(ToAbsl(drill->run.restore_facts().restore_duration())), " ",
                      RelativeText(drill->run.has_end_time(), drill->run.end_time(), now));
}

std::string Amount(const v1::RestoreFacts& facts) {
  return absl::StrCat(CountText(facts.table_count()), facts.table_count() == 1 ? " table, " : " tables, ",
                      CountText(facts.row_count()), " rows, ", FormatSize(facts.plain_bytes()), " of text");
}

}  // namespace

std::string RestorePlace(const v1::RestoreRunSpec& spec) {
  if (spec.into_schema().empty()) return absl::StrCat("new database \"", spec.database(), "\" on ", spec.target());
  return absl::StrCat("new schema \"", spec.into_schema(), "\" in database \"", spec.database(), "\" on ",
                      spec.target());
}

std::optional<absl::Duration> EstimateRestore(int64_t plain_bytes, const MeasuredDrill& drill) {
  const absl::Duration measured = ToAbsl(drill.run.restore_facts().restore_duration());
  if (measured <= absl::ZeroDuration() || drill.backup.plain_bytes() <= 0) return std::nullopt;
  return measured * (static_cast<double>(plain_bytes) / static_cast<double>(drill.backup.plain_bytes()));
}

std::string DescribeRestorePlan(const v1::Run& plan, const std::optional<MeasuredDrill>& drill, bool color,
                                absl::Time now) {
  const v1::RestoreFacts& facts = plan.restore_facts();
  std::vector<Fact> lines = {{"Backup", absl::StrCat(ShortName(plan.backup()), " of ", ShortName(plan.database()))},
                             {"Contents", Amount(facts)},
                             {"To", RestorePlace(plan.spec().restore())},
                             {"Time", TimeNeeded(plan, drill, now)}};
  if (facts.obstacles().empty()) lines.push_back({"In the way", {"nothing that can be seen", Color::kGreen}});
  for (const std::string& obstacle : facts.obstacles()) lines.push_back({"In the way", {obstacle, Color::kRed}});
  return LayOutFacts(lines, color);
}

std::string DescribeRestored(const v1::Run& run) {
  const v1::RestoreFacts& facts = run.restore_facts();
  std::string out =
      absl::StrCat("restored ", ShortName(run.backup()), " as ", CleanText(RestorePlace(run.spec().restore())), ": ",
                   Amount(facts), ", ", facts.contents_compared() ? "contents compared" : "rows counted", ", in ",
                   ElapsedText(ToAbsl(facts.restore_duration())), "\n");
  for (const std::string& statement : facts.left_out()) absl::StrAppend(&out, "left out: ", CleanText(statement), "\n");
  return out;
}

}  // namespace backup::ctl
