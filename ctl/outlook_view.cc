// SPDX-License-Identifier: Apache-2.0
#include "ctl/outlook_view.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/proto_json.h"
#include "base/units.h"
#include "ctl/backup_view.h"
#include "ctl/short_name.h"
#include "ctl/value_text.h"

namespace backup::ctl {
namespace {

std::string DayText(const google::protobuf::Timestamp& time, absl::Time now) {
  return absl::StrCat(absl::FormatTime("%Y-%m-%d", ToAbsl(time), absl::UTCTimeZone()), " (",
                      FormatRelative(ToAbsl(time), now), ")");
}

Cell GoesText(const v1::BackupOutlook& outlook, absl::Time now) {
  const v1::RetentionDecision& decision = outlook.decision();
  const v1::Backup& backup = decision.backup();
  const std::string reasons = absl::StrJoin(decision.reasons(), "; ");
  if (!outlook.has_simulated_until_time()) {
    if (decision.keep()) return "not by itself: no policy decides about it";
    return reasons.empty() ? Cell("") : Cell(reasons, Color::kRed);
  }
  if (outlook.has_expected_delete_time()) {
    if (!decision.keep() && outlook.frozen().empty()) return {absl::StrCat("now: ", reasons), Color::kRed};
    return absl::StrCat("about ", DayText(outlook.expected_delete_time(), now), ", if every slot brings a good backup");
  }
  if (outlook.has_unkept_time()) {
    const bool is_now = ToAbsl(outlook.unkept_time()) <= now;
    const std::string database = ShortName(backup.database());
    // What stands against it now has a line of its own.
    const std::string then = is_now ? ""
                                    : absl::StrCat(" from about ", DayText(outlook.unkept_time(), now), " on, but ",
                                                   absl::StrJoin(outlook.unkept_frozen(), "; "), " then");
    return {absl::StrCat("not by itself: no rule keeps it", then, "; it goes with: backupctl retention apply ",
                         ShellWord(database), " --confirm ", ShellWord(database)),
            Color::kYellow};
  }
  if (backup.has_hold() && !backup.hold().has_expire_time()) return "not before it is released";
  return absl::StrCat("not before ", DayText(outlook.simulated_until_time(), now),
                      ", if every slot brings a good backup");
}

}  // namespace

std::vector<Fact> OutlookFacts(const v1::BackupOutlook& outlook, absl::Time now) {
  std::vector<Fact> facts = {{"Kept by", absl::StrJoin(outlook.kept_by(), "; ")}, {"Goes", GoesText(outlook, now)}};
  if (!outlook.frozen().empty()) {
    facts.push_back({"Frozen", {absl::StrJoin(outlook.frozen(), "; "), Color::kYellow}});
  }
  return facts;
}

std::string OutlookText(const v1::BackupOutlook& outlook, const Output& output, absl::Time now) {
  const v1::Backup& backup = outlook.decision().backup();
  std::vector<Fact> facts = {{"Backup", ShortName(backup.name())},
                             {"Database", ShortName(backup.database())},
                             {"Policy", ShortName(backup.policy())},
                             {"State", StateCell(backup.state())},
                             {"Snapshot", TimeText(backup.has_snapshot_time(), backup.snapshot_time(), now)}};
  if (backup.has_hold()) facts.push_back({"Held", HoldText(backup, now)});
  for (Fact& fact : OutlookFacts(outlook, now)) facts.push_back(std::move(fact));
  return LayOutFacts(facts, output.options().color);
}

}  // namespace backup::ctl
