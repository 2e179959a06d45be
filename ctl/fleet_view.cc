// SPDX-License-Identifier: Apache-2.0
#include "ctl/fleet_view.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/proto_json.h"
#include "base/units.h"
#include "ctl/short_name.h"
#include "ctl/value_text.h"

namespace backup::ctl {
namespace {

using Align = Column::Align;

std::string FreeText(const v1::RepositoryStatus& repository) {
  if (repository.total_bytes() <= 0) return "";
  const int64_t percent = repository.free_bytes() / (repository.total_bytes() / 100 + 1);
  return absl::StrCat(FormatSize(repository.free_bytes()), " (", percent, "%)");
}

std::string SkewText(const v1::Agent& agent) {
  if (!agent.has_clock_skew()) return "";
  return absl::StrFormat("%+.1fs", absl::ToDoubleSeconds(ToAbsl(agent.clock_skew())));
}

std::string SlotText(const v1::Agent& agent) { return absl::StrCat(agent.active_run_count(), "/", agent.slot_count()); }

Cell PoliciesCell(const v1::Database& database) {
  if (database.policies().empty()) return {"uncovered", Color::kYellow};
  std::vector<std::string> names;
  for (const std::string& policy : database.policies()) names.push_back(ShortName(policy));
  return {absl::StrJoin(names, ", ")};
}

}  // namespace

Table AgentTable(const std::vector<v1::Agent>& agents, absl::Time now) {
  Table table{{{"AGENT"},
               {"STATE"},
               {"LAST SEEN"},
               {"RUNS", Align::kRight},
               {"FREE"},
               {"VERSION"},
               {"HOST", Align::kLeft, true},
               {"CLOCK", Align::kRight, true},
               {"REPOSITORY", Align::kLeft, true},
               {"CERTIFICATE EXPIRES", Align::kLeft, true},
               {"LABELS", Align::kLeft, true},
               {"PROBLEM", Align::kLeft, false, true}},
              {}};
  for (const v1::Agent& agent : agents) {
    table.rows.push_back({ShortName(agent.name()),
                          StateCell(agent.state()),
                          RelativeText(agent.has_last_seen_time(), agent.last_seen_time(), now),
                          SlotText(agent),
                          FreeText(agent.repository()),
                          agent.version(),
                          agent.hostname(),
                          SkewText(agent),
                          agent.repository().path(),
                          RelativeText(agent.has_certificate_expire_time(), agent.certificate_expire_time(), now),
                          LabelText(agent.labels()),
                          {agent.repository().problem(), Color::kRed}});
  }
  return table;
}

std::string DescribeAgent(const v1::Agent& agent, const std::vector<v1::Database>& databases, const Output& output,
                          absl::Time now) {
  const bool color = output.options().color;
  const v1::RepositoryStatus& repository = agent.repository();
  std::vector<Fact> facts = {
      {"Agent", ShortName(agent.name())},
      {"State", StateCell(agent.state())},
      {"Last seen", TimeText(agent.has_last_seen_time(), agent.last_seen_time(), now)},
      {"Enrolled", TimeText(agent.has_enroll_time(), agent.enroll_time(), now)},
      {"Certificate expires", TimeText(agent.has_certificate_expire_time(), agent.certificate_expire_time(), now)},
      {"Host", agent.hostname()},
      {"Version", agent.version()},
      {"Restore targets", absl::StrJoin(agent.restore_targets(), ", ")},
      {"Capabilities", absl::StrJoin(agent.capabilities(), ", ")},
      {"Labels", LabelText(agent.labels())},
      {"Clock", SkewText(agent)},
      {"Runs", absl::StrCat(agent.active_run_count(), " of at most ", agent.slot_count())},
      {"Repository", repository.path()},
      {"Repository id", repository.id()},
      {"Free", FreeText(repository)}};
  if (repository.unknown_count() > 0) {
    facts.push_back({"Not of backups",
                     {absl::StrCat(CountText(repository.unknown_count()),
                                   " files or directories that nothing of ours made, left alone"),
                      Color::kYellow}});
    for (const std::string& path : repository.unknown_paths()) facts.push_back({"", CleanText(path)});
  }
  if (!repository.problem().empty()) facts.push_back({"Problem", {repository.problem(), Color::kRed}});
  std::string out = LayOutFacts(facts, color);
  if (!databases.empty()) absl::StrAppend(&out, "\n", output.Layout(DatabaseTable(databases, now)));
  return out;
}

Table DatabaseTable(const std::vector<v1::Database>& databases, absl::Time now) {
  Table table{{{"DATABASE", Align::kLeft, false, true},
               {"SIZE", Align::kRight},
               {"POLICIES"},
               {"LAST GOOD"},
               {"NEXT"},
               {"SERVER", Align::kLeft, true},
               {"TABLES", Align::kRight, true},
               {"LABELS", Align::kLeft, true},
               {"LAST GOOD BACKUP", Align::kLeft, true},
               {"PROBLEM", Align::kLeft, false, true}},
              {}};
  for (const v1::Database& database : databases) {
    const std::string last_good = RelativeText(database.has_last_good_time(), database.last_good_time(), now);
    table.rows.push_back({ShortName(database.name()),
                          database.size_bytes() > 0 ? FormatSize(database.size_bytes()) : "",
                          PoliciesCell(database),
                          last_good.empty() ? Cell("never", Color::kYellow) : Cell(last_good),
                          RelativeText(database.has_next_slot_time(), database.next_slot_time(), now),
                          database.server_version(),
                          CountText(database.table_count()),
                          LabelText(database.labels()),
                          ShortName(database.last_good_backup()),
                          {database.problem(), Color::kRed}});
  }
  return table;
}

}  // namespace backup::ctl
