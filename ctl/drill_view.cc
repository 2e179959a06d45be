// SPDX-License-Identifier: Apache-2.0
#include "ctl/drill_view.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "base/proto_json.h"
#include "base/units.h"
#include "ctl/run_view.h"
#include "ctl/short_name.h"
#include "ctl/value_text.h"

namespace backup::ctl {
namespace {

std::string RestoreTime(const v1::Run& drill) {
  if (!drill.has_restore_facts()) return "";
  return ElapsedText(ToAbsl(drill.restore_facts().restore_duration()));
}

std::string AllowedTime(const v1::Run& drill) {
  const v1::DrillRunSpec& spec = drill.spec().drill();
  return spec.has_max_duration() ? backup::FormatDuration(ToAbsl(spec.max_duration())) : "";
}

std::string Count(const v1::Run& drill, int64_t count) { return drill.has_restore_facts() ? CountText(count) : ""; }

}  // namespace

Table DrillTable(const std::vector<v1::Run>& drills, absl::Time now) {
  using Align = Column::Align;
  Table table{{{"RUN"},
               {"BACKUP"},
               {"DATABASE", Align::kLeft, false, true},
               {"STATE"},
               {"DUE"},
               {"RESTORED IN", Align::kRight},
               {"ALLOWED", Align::kRight},
               {"TABLES", Align::kRight, true},
               {"ROWS", Align::kRight, true},
               {"ASSERTIONS", Align::kRight, true},
               {"POLICY", Align::kLeft, true},
               {"WHY", Align::kLeft, false, true}},
              {}};
  for (const v1::Run& drill : drills) {
    const v1::RestoreFacts& facts = drill.restore_facts();
    table.rows.push_back({ShortName(drill.name()), ShortName(drill.backup()), ShortName(drill.database()),
                          StateCell(drill.state()), RelativeText(drill.has_slot_time(), drill.slot_time(), now),
                          RestoreTime(drill), AllowedTime(drill), Count(drill, facts.table_count()),
                          Count(drill, facts.row_count()), Count(drill, facts.assertion_count()),
                          ShortName(drill.policy()), RunProblem(drill)});
  }
  return table;
}

}  // namespace backup::ctl
