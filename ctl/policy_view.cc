// SPDX-License-Identifier: Apache-2.0
#include "ctl/policy_view.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/proto_json.h"
#include "base/units.h"
#include "ctl/policy_yaml.h"
#include "ctl/short_name.h"
#include "ctl/value_text.h"

namespace backup::ctl {
namespace {

std::string ScheduleText(const v1::ScheduleSpec& schedule) {
  if (schedule.has_every()) return absl::StrCat("every ", backup::FormatDuration(ToAbsl(schedule.every())));
  return schedule.cron();
}

// "30d, 3 last, 7 daily".
std::string RetentionText(const v1::RetentionSpec& retention) {
  std::vector<std::string> rules;
  if (retention.has_keep_within()) rules.push_back(backup::FormatDuration(ToAbsl(retention.keep_within())));
  const auto add = [&](int32_t count, const char* what) {
    if (count > 0) rules.push_back(absl::StrCat(count, " ", what));
  };
  add(retention.keep_last(), "last");
  add(retention.keep_daily(), "daily");
  add(retention.keep_weekly(), "weekly");
  add(retention.keep_monthly(), "monthly");
  add(retention.keep_yearly(), "yearly");
  return absl::StrJoin(rules, ", ");
}

Cell NextCell(const v1::Policy& policy, absl::Time now) {
  if (policy.spec().schedule().paused()) return {"paused", Color::kYellow};
  return {RelativeText(policy.has_next_slot_time(), policy.next_slot_time(), now)};
}

}  // namespace

Table PolicyTable(const std::vector<v1::Policy>& policies, absl::Time now) {
  using Align = Column::Align;
  Table table{{{"POLICY"},
               {"SCHEDULE"},
               {"TIME ZONE"},
               {"NEXT"},
               {"DATABASES", Align::kRight},
               {"KEEP", Align::kLeft, false, true},
               {"CHANGED", Align::kLeft, true},
               {"LABELS", Align::kLeft, true}},
              {}};
  for (const v1::Policy& policy : policies) {
    const v1::ScheduleSpec& schedule = policy.spec().schedule();
    table.rows.push_back(
        {ShortName(policy.name()),
         ScheduleText(schedule),
         schedule.time_zone(),
         NextCell(policy, now),
         {absl::StrCat(policy.database_count()), policy.database_count() == 0 ? Color::kYellow : Color::kNone},
         RetentionText(policy.spec().retention()),
         RelativeText(policy.has_update_time(), policy.update_time(), now),
         LabelText(policy.labels())});
  }
  return table;
}

Table SlotTable(const v1::PreviewPolicyResponse& preview, absl::Time now) {
  Table table{{{"SLOT"}, {"THERE"}, {"DUE"}, {"NOTE", Column::Align::kLeft, false, true}}, {}};
  for (const v1::PreviewedSlot& slot : preview.slots()) {
    table.rows.push_back({FormatRfc3339(ToAbsl(slot.slot_time())), slot.wall_clock(),
                          RelativeText(true, slot.slot_time(), now), Cell(slot.note(), Color::kYellow)});
  }
  return table;
}

std::string DescribePolicy(const v1::Policy& policy, const Output& output, absl::Time now) {
  std::vector<Fact> facts = {
      {"Policy", ShortName(policy.name())},
      {"Databases covered", absl::StrCat(policy.database_count())},
      {"Next slot", policy.spec().schedule().paused()
                        ? Cell("paused: due slots become SKIPPED", Color::kYellow)
                        : Cell(TimeText(policy.has_next_slot_time(), policy.next_slot_time(), now))},
      {"Created", TimeText(policy.has_create_time(), policy.create_time(), now)},
      {"Changed", TimeText(policy.has_update_time(), policy.update_time(), now)},
      {"Etag", policy.etag()}};
  return absl::StrCat(LayOutFacts(facts, output.options().color), "\n", PolicyToYaml(policy));
}

}  // namespace backup::ctl
