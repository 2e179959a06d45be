// SPDX-License-Identifier: Apache-2.0
#include "ctl/retention_view.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/units.h"
#include "ctl/short_name.h"
#include "ctl/value_text.h"

namespace backup::ctl {
namespace {

using Align = Column::Align;

std::string PolicyText(const std::string& policy) { return policy.empty() ? "" : ShortName(policy); }

// Why nothing goes for now, or what is wrong although it does.
Cell Remark(const v1::PolicyRetention& retention) {
  if (!retention.frozen().empty()) {
    return {absl::StrCat("frozen: ", absl::StrJoin(retention.frozen(), "; ")), Color::kYellow};
  }
  return retention.over_budget() ? Cell("what must stay is more than maxTotalBytes", Color::kYellow) : Cell("");
}

}  // namespace

Table RetentionSummaryTable(const std::vector<v1::RetentionPlan>& plans) {
  Table table{{{"DATABASE", Align::kLeft, false, true},
               {"POLICY"},
               {"KEEPS", Align::kRight},
               {"SIZE", Align::kRight},
               {"DELETES", Align::kRight},
               {"FREES", Align::kRight},
               {"WHY NOT", Align::kLeft, false, true}},
              {}};
  for (const v1::RetentionPlan& plan : plans) {
    for (const v1::PolicyRetention& retention : plan.policies()) {
      table.rows.push_back(
          {ShortName(plan.database()), PolicyText(retention.policy()), CountText(retention.keep_count()),
           FormatSize(retention.keep_bytes()), CountText(retention.delete_count()),
           retention.delete_count() == 0 ? "" : FormatSize(retention.delete_bytes()), Remark(retention)});
    }
  }
  return table;
}

std::string RetentionText(const v1::RetentionPlan& plan, const Output& output, absl::Time now) {
  Table table{{{"BACKUP"},
               {"SNAPSHOT"},
               {"STATE"},
               {"SIZE", Align::kRight},
               {"POLICY"},
               {"WOULD BE"},
               {"WHY", Align::kLeft, false, true}},
              {}};
  for (const v1::RetentionDecision& decision : plan.decisions()) {
    const v1::Backup& backup = decision.backup();
    table.rows.push_back({ShortName(backup.name()),
                          RelativeText(backup.has_snapshot_time(), backup.snapshot_time(), now),
                          StateCell(backup.state()), FormatSize(backup.size_bytes()), PolicyText(backup.policy()),
                          decision.keep() ? Cell("kept", Color::kGreen) : Cell("deleted", Color::kRed),
                          absl::StrJoin(decision.reasons(), ", ")});
  }
  return absl::StrCat(output.Layout(table), plan.policies().empty() ? "" : "\n",
                      output.Layout(RetentionSummaryTable({plan})));
}

std::string AppliedRetentionText(const v1::AppliedRetention& applied, bool dry_run, const Output& output) {
  v1::RetentionPlan plan;
  plan.set_database(applied.database());
  *plan.mutable_policies() = applied.policies();
  std::string text =
      plan.policies().empty() ? "the database has no backups\n" : output.Layout(RetentionSummaryTable({plan}));
  if (dry_run) return absl::StrCat(text, "\ndry run: nothing was deleted\n");
  const int count = applied.delete_runs_size();
  return absl::StrCat(
      text, "\n",
      count == 0 ? "nothing to delete" : absl::StrCat(count, count == 1 ? " backup" : " backups", " on the way out"),
      "\n");
}

}  // namespace backup::ctl
