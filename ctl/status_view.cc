// SPDX-License-Identifier: Apache-2.0
#include "ctl/status_view.h"

#include <algorithm>
#include <initializer_list>
#include <map>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/proto_json.h"
#include "base/units.h"
#include "ctl/fleet_view.h"
#include "ctl/run_view.h"
#include "ctl/short_name.h"
#include "ctl/value_text.h"

namespace backup::ctl {
namespace {

using Align = Column::Align;

// All there are; what a controller says that does not count them is all there is.
int64_t DatabaseCount(const v1::FleetStatus& status) {
  return std::max<int64_t>(status.database_count(), status.databases_size());
}
int64_t AgentCount(const v1::FleetStatus& status) {
  return std::max<int64_t>(status.agent_count(), status.agents_size());
}

// "3 (1 CRITICAL, 2 OK)": `total`, and the counts of `order` that are not 0.
template <typename State, typename ToCell>
std::string Summary(int64_t total, std::map<State, int64_t> counts, std::initializer_list<State> order,
                    const ToCell& cell_of, const Output& output) {
  std::vector<std::string> parts;
  for (const State state : order) {
    if (counts[state] == 0) continue;
    const Cell cell = cell_of(state);
    parts.push_back(output.Paint(absl::StrCat(CountText(counts[state]), " ", cell.text), cell.color));
  }
  if (total == 0) return "none";
  return absl::StrCat(CountText(total), parts.empty() ? "" : absl::StrCat(" (", absl::StrJoin(parts, ", "), ")"));
}

// Of what is too much to be told: when it was counted.
std::string AsOf(const v1::FleetStatus& status, int64_t told, int64_t total, absl::Time now) {
  if (told == total || !status.has_survey_time()) return "";
  return absl::StrCat(", as of ", FormatRelative(ToAbsl(status.survey_time()), now));
}

std::string DatabaseSummary(const v1::FleetStatus& status, const Output& output, absl::Time now) {
  std::map<v1::Health, int64_t> counts;
  for (const v1::HealthCount& count : status.health_counts()) counts[count.health()] = count.database_count();
  const int64_t total = DatabaseCount(status);
  if (counts.empty() && total == status.databases_size()) {
    for (const v1::DatabaseStatus& entry : status.databases()) ++counts[entry.health()];
  }
  return Summary(
             total, counts, {v1::CRITICAL, v1::UNCOVERED, v1::WARNING, v1::OK, v1::HEALTH_UNSPECIFIED},
             [](v1::Health health) { return HealthCell(health); }, output) +
         AsOf(status, status.databases_size(), total, now);
}

std::string AgentSummary(const v1::FleetStatus& status, const Output& output, absl::Time now) {
  std::map<v1::AgentState, int64_t> counts;
  for (const v1::AgentStateCount& count : status.agent_state_counts()) counts[count.state()] = count.agent_count();
  const int64_t total = AgentCount(status);
  if (counts.empty() && total == status.agents_size()) {
    for (const v1::Agent& agent : status.agents()) ++counts[agent.state()];
  }
  return Summary(
             total, counts, {v1::OFFLINE, v1::ENROLLED, v1::ONLINE, v1::AGENT_STATE_UNSPECIFIED},
             [](v1::AgentState state) { return StateCell(state); }, output) +
         AsOf(status, status.agents_size(), total, now);
}

std::string DaySummary(const v1::FleetStatus& status, const Output& output) {
  const int64_t due = status.due_count_24h();
  const int64_t succeeded = status.succeeded_count_24h();
  if (due == 0) return "no run was due";
  const Color color = succeeded == due ? Color::kGreen : Color::kRed;
  return output.Paint(
      absl::StrCat(CountText(succeeded), " of ", CountText(due), " due runs succeeded (", succeeded * 100 / due, "%)"),
      color);
}

Table HealthTable(const v1::FleetStatus& status, absl::Time now) {
  Table table{{{"HEALTH"},
               {"DATABASE", Align::kLeft, false, true},
               {"LAST GOOD"},
               {"SIZE", Align::kRight},
               {"LAST RUN"},
               {"NEXT"},
               {"WHY", Align::kLeft, false, true}},
              {}};
  for (const v1::DatabaseStatus& entry : status.databases()) {
    const v1::Database& database = entry.database();
    const v1::Backup& good = entry.last_good();
    table.rows.push_back({HealthCell(entry.health()), ShortName(database.name()),
                          entry.has_last_good()
                              ? Cell(RelativeText(good.has_snapshot_time(), good.snapshot_time(), now))
                              : Cell("never", Color::kYellow),
                          entry.has_last_good() ? FormatSize(good.size_bytes()) : "",
                          entry.has_last_run() ? StateCell(entry.last_run().state()) : Cell(""),
                          RelativeText(database.has_next_slot_time(), database.next_slot_time(), now), entry.reason()});
  }
  return table;
}

}  // namespace

std::string StatusText(const v1::FleetStatus& status, const Output& output, absl::Time now) {
  std::string out;
  const auto line = [&](const char* name, const std::string& value) { absl::StrAppend(&out, name, value, "\n"); };
  line("Databases:    ", DatabaseSummary(status, output, now));
  line("Agents:       ", AgentSummary(status, output, now));
  line("Backups:      ", absl::StrCat(CountText(status.good_backup_count()), " good, ",
                                      FormatSize(status.total_size_bytes()), " on disk"));
  line("Last 24 h:    ", DaySummary(status, output));
  for (const std::string& problem : status.problems()) {
    line("Problem:      ", output.Paint(problem, Color::kRed));
  }
  if (!status.databases().empty()) absl::StrAppend(&out, "\n", output.Layout(HealthTable(status, now)));
  if (const std::string rest = DatabasesLeftOut(status); !rest.empty()) absl::StrAppend(&out, rest, "\n");
  if (!status.agents().empty()) {
    const std::vector<v1::Agent> agents(status.agents().begin(), status.agents().end());
    absl::StrAppend(&out, "\n", output.Layout(AgentTable(agents, now)));
    if (AgentCount(status) > status.agents_size()) {
      absl::StrAppend(&out, "these are ", CountText(status.agents_size()), " of ", CountText(AgentCount(status)),
                      " agents; all of them: backupctl agent list\n");
    }
  }
  if (!status.active_runs().empty()) {
    const std::vector<v1::Run> runs(status.active_runs().begin(), status.active_runs().end());
    absl::StrAppend(&out, "\n", output.Layout(RunTable(runs, now)));
  }
  return out;
}

std::string DatabasesLeftOut(const v1::FleetStatus& status) {
  if (DatabaseCount(status) <= status.databases_size()) return "";
  // Without a look at the whole nobody knows the worst.
  return absl::StrCat("these are ", status.has_survey_time() ? "the worst " : "", CountText(status.databases_size()),
                      " of ", CountText(DatabaseCount(status)), " databases; all of them: backupctl database list");
}

std::string NextStep(const v1::FleetStatus& status) {
  if (status.agents().empty()) {
    return "next: enrol the first agent with: backupctl agent enroll NAME";
  }
  if (status.databases().empty()) {
    return "next: name databases in the agent's configuration file; they appear here within a minute";
  }
  bool all_uncovered = status.databases_size() == DatabaseCount(status);
  for (const v1::DatabaseStatus& entry : status.databases()) {
    all_uncovered = all_uncovered && entry.health() == v1::UNCOVERED;
  }
  if (all_uncovered) {
    return "next: write a policy (backupctl explain policy) and apply it with: backupctl apply FILE";
  }
  if (status.good_backup_count() == 0 && status.active_runs().empty()) {
    return absl::StrCat(
        status.total_size_bytes() == 0 ? "next: make the first backup" : "next: no backup is good; make a new one",
        " with: backupctl backup run ", ShellWord(ShortName(status.databases(0).database().name())), " --wait");
  }
  return "";
}

}  // namespace backup::ctl
