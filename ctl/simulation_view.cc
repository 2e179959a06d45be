// SPDX-License-Identifier: Apache-2.0
#include "ctl/simulation_view.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/proto_json.h"
#include "base/units.h"
#include "ctl/short_name.h"
#include "ctl/value_text.h"

namespace backup::ctl {
namespace {

using Align = Column::Align;

Cell FreezeText(const v1::SimulatedFreeze& freeze) {
  const std::string first = FormatRfc3339(ToAbsl(freeze.first_time()));
  return {freeze.lasting()
              ? absl::StrCat("from ", first, " on, and it does not end by itself: ", freeze.reason())
              : absl::StrCat("from ", first, " to ", FormatRfc3339(ToAbsl(freeze.last_time())), ": ", freeze.reason()),
          Color::kYellow};
}

std::vector<Fact> SimulationFacts(const v1::RetentionSimulation& simulation) {
  const absl::Time end = ToAbsl(simulation.end_time());
  const std::string made =
      simulation.assumed_size_bytes() > 0
          ? absl::StrCat(", each of ", FormatSize(simulation.assumed_size_bytes()), " as the newest good one is")
          : ", of unknown size: there is no good one to go by";
  std::vector<Fact> facts = {
      {"Database", ShortName(simulation.database())},
      {"Policy", ShortName(simulation.policy())},
      {"Until", absl::StrCat(FormatRfc3339(end), " (", backup::FormatDuration(end - ToAbsl(simulation.start_time())),
                             " from now)")},
      {"Now", BackupsText(simulation.start_count())},
      {"Made", absl::StrCat(BackupsText(simulation.made_count()), made)},
      {"Deleted", BackupsText(simulation.deleted_count())},
      {"Then", absl::StrCat(BackupsText(simulation.backup_count()), ", ", FormatSize(simulation.total_bytes()))},
      {"At most",
       absl::StrCat(BackupsText(simulation.peak_count()), " at once, ", FormatSize(simulation.peak_bytes()))}};
  for (const v1::SimulatedFreeze& freeze : simulation.freezes()) facts.push_back({"Frozen", FreezeText(freeze)});
  return facts;
}

Table SimulatedTable(const v1::RetentionSimulation& simulation, size_t limit) {
  Table table{{{"SNAPSHOT"}, {"BACKUP"}, {"SIZE", Align::kRight}, {"WHY", Align::kLeft, false, true}}, {}};
  for (const v1::SimulatedBackup& backup : simulation.backups()) {
    if (limit > 0 && table.rows.size() == limit) break;
    table.rows.push_back({FormatRfc3339(ToAbsl(backup.snapshot_time())),
                          backup.backup().empty() ? Cell("to be made", Color::kDim) : Cell(ShortName(backup.backup())),
                          FormatSize(backup.size_bytes()), absl::StrJoin(backup.reasons(), ", ")});
  }
  return table;
}

}  // namespace

std::string SimulationText(const v1::RetentionSimulation& simulation, size_t limit, const Output& output) {
  std::string out = LayOutFacts(SimulationFacts(simulation), output.options().color);
  if (!simulation.backups().empty()) {
    absl::StrAppend(&out, "\n", output.Layout(SimulatedTable(simulation, limit)));
  }
  return out;
}

}  // namespace backup::ctl
