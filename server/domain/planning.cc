// SPDX-License-Identifier: Apache-2.0
#include "server/domain/planning.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/proto_json.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "base/units.h"
#include "server/domain/exclusions.h"
#include "server/domain/not_started.h"
#include "server/domain/past_slots.h"
#include "server/domain/policy_rules.h"
#include "server/domain/run_state.h"
#include "server/domain/schedule.h"
#include "server/domain/selector.h"

#include <google/protobuf/util/message_differencer.h>

namespace backup::server {
namespace {

constexpr absl::Duration kManualStartDeadline = absl::Hours(6);
// Nobody waits for it, and its agent may be away.
constexpr absl::Duration kDeleteStartDeadline = absl::Hours(7 * 24);

using google::protobuf::util::MessageDifferencer;

// The rows of one database and kind, by slot. A slot that is no longer wanted stays when it is due: time decides about
// it.
struct DatabaseRows {
  std::map<absl::Time, const v1::Run*> scheduled;
  std::map<absl::Time, const v1::Run*> ended_ahead;
  const KnownSlots* known = nullptr;
};

// Slots in (now, now + horizon] and the first one beyond.
std::vector<absl::Time> FutureSlots(const Schedule& schedule, absl::Time now) {
  std::vector<absl::Time> slots;
  absl::Time slot = schedule.NextSlot(now);
  while (slot != absl::InfiniteFuture()) {
    slots.push_back(slot);
    if (slot > now + kPlanningHorizon) {
      break;
    }
    slot = schedule.NextSlot(slot);
  }
  return slots;
}

// A new row with all but its times and policy.
v1::Run NewRun(v1::RunKind kind, v1::RunState state, absl::string_view database, absl::Time now, Random& random) {
  v1::Run run;
  run.set_name(MakeRunName(NewId(random)));
  run.set_kind(kind);
  run.set_state(state);
  run.set_database(std::string(database));
  run.set_epoch(1);
  *run.mutable_create_time() = ToProto(now);
  return run;
}

// Plans the rows of one kind of run of one policy.
class Planner {
 public:
  Planner(const v1::Policy& policy, v1::RunKind kind, Schedule schedule, Exclusions exclusions, v1::RunSpec spec,
          absl::Time planned_time, absl::Time now, Random& random)
      : policy_(policy),
        kind_(kind),
        schedule_(std::move(schedule)),
        exclusions_(std::move(exclusions)),
        now_(now),
        // A plan of the future was made by a clock that was wrong.
        planned_time_(std::min(planned_time, now)),
        random_(random),
        spec_(std::move(spec)),
        held_back_(policy.spec().schedule().paused() || policy.spec().schedule().max_running() > 0),
        future_slots_(FutureSlots(schedule_, now)) {}

  v1::RunKind kind() const { return kind_; }

  // Rows that a covered database lacks, and those to be put right. False when slots of the past are left for the next
  // plan; then nothing of the future is planned, so that it goes on where it ended.
  bool PlanDatabase(const std::string& database, const DatabaseRows& rows, PolicyChange& change) {
    if (!PlanPast(database, rows, change)) {
      return false;
    }
    for (const absl::Time slot : future_slots_) {
      if (const auto row = rows.scheduled.find(slot); row != rows.scheduled.end()) {
        Refresh(database, *row->second, change);
      } else if (const auto ended = rows.ended_ahead.find(slot); ended != rows.ended_ahead.end()) {
        Reopen(database, *ended->second, change);
      } else {
        change.create_runs.push_back(NewRow(database, slot));
      }
    }
    return true;
  }

  bool IsWanted(absl::Time slot) const { return std::binary_search(future_slots_.begin(), future_slots_.end(), slot); }

 private:
  bool PlanPast(const std::string& database, const DatabaseRows& rows, PolicyChange& change) {
    bool left_out = false;
    const std::vector<absl::Time>& slots = UnplannedSlots(rows, &left_out);
    if (slots.empty()) {
      return true;
    }
    const size_t room = kMaxPastRows - std::min<size_t>(change.create_runs.size(), kMaxPastRows);
    if (room == 0) {
      return false;
    }
    if (left_out) {
      change.events.push_back(MakeEvent(now_, kControllerActor, policy_.name(), "SLOTS_NOT_RECORDED",
                                        absl::StrCat("slots of ", database, " before ", FormatRfc3339(slots.front()),
                                                     " are too many or too long ago to be recorded")));
    }
    const auto times = [&](absl::Time slot) { return TimesOf(database, slot); };
    for (const PastSlot& past : JudgePastSlots(slots, room, times, policy_.spec().schedule().paused(), now_)) {
      v1::Run run = NewRow(database, past.slot);
      if (past.state != v1::SCHEDULED) {
        RunChange ended = EndNotStarted(std::move(run), past.state, past.why, now_);
        run = std::move(ended.run);
        change.events.insert(change.events.end(), ended.events.begin(), ended.events.end());
      }
      change.create_runs.push_back(std::move(run));
    }
    return slots.size() <= room;
  }

  // Slots of the past without a row. A database that has none since the last plan is new here, or was not covered:
  // nothing was due for it.
  const std::vector<absl::Time>& UnplannedSlots(const DatabaseRows& rows, bool* left_out) {
    static const auto& none = *new std::vector<absl::Time>;
    if (rows.known == nullptr || rows.known->last <= planned_time_ || rows.known->last_due == absl::InfinitePast()) {
      return none;
    }
    const absl::Time after = std::max(rows.known->last_due, ToAbsl(policy_.update_time()));
    auto [it, inserted] = unplanned_.try_emplace(after);
    if (inserted) {
      it->second.first = PastSlots(schedule_, after, now_, &it->second.second);
    }
    *left_out = it->second.second;
    return it->second.first;
  }

  const std::vector<ExcludedSpan>& SpansOf(absl::Time slot, absl::Time deadline) {
    static const auto& none = *new std::vector<ExcludedSpan>;
    if (exclusions_.empty()) {
      return none;
    }
    auto [it, inserted] = spans_.try_emplace(slot);
    if (inserted) {
      it->second = exclusions_.Between(slot, deadline);
    }
    return it->second;
  }

  StartTimes TimesOf(const std::string& database, absl::Time slot) {
    const v1::ScheduleSpec& schedule = policy_.spec().schedule();
    // Whole seconds, so that a row reads back as it was written.
    const absl::Time deadline = slot + absl::Trunc(ToAbsl(schedule.start_deadline()), absl::Seconds(1));
    const absl::Duration jitter = Jitter(policy_.name(), database, ToAbsl(schedule.jitter()));
    return {FirstStart(SpansOf(slot, deadline), slot, jitter, deadline), deadline};
  }

  // Puts what the policy wants into a row that did not start.
  void SetWanted(const std::string& database, v1::Run& run) {
    const absl::Time slot = ToAbsl(run.slot_time());
    const StartTimes times = TimesOf(database, slot);
    *run.mutable_not_before_time() = ToProto(times.not_before);
    *run.mutable_start_deadline_time() = ToProto(times.deadline);
    *run.mutable_spec() = spec_;
    for (const ExcludedSpan& span : SpansOf(slot, times.deadline)) {
      v1::TimeSpan& not_during = *run.mutable_spec()->add_not_during();
      *not_during.mutable_start_time() = ToProto(span.begin);
      *not_during.mutable_end_time() = ToProto(span.end);
    }
    run.set_held_back(held_back_);
  }

  void Refresh(const std::string& database, const v1::Run& row, PolicyChange& change) {
    v1::Run wanted = row;
    SetWanted(database, wanted);
    // An empty message and none mean the same, and the catalog need not keep them apart.
    if (MessageDifferencer::Equivalent(wanted, row)) {
      return;
    }
    wanted.set_epoch(row.epoch() + 1);
    wanted.set_delivered(false);
    change.update_runs.push_back(std::move(wanted));
  }

  void Reopen(const std::string& database, const v1::Run& row, PolicyChange& change) {
    v1::Run run = NewRow(database, ToAbsl(row.slot_time()));
    run.set_name(row.name());
    run.set_epoch(row.epoch() + 1);
    change.events.push_back(MakeEvent(
        now_, kControllerActor, run.name(), "RUN_REOPENED",
        absl::StrCat("it was ", v1::RunState_Name(row.state()), " ahead of its time, by a clock that was wrong")));
    change.reopen_runs.push_back(std::move(run));
  }

  v1::Run NewRow(const std::string& database, absl::Time slot) {
    v1::Run run = NewRun(kind_, v1::SCHEDULED, database, now_, random_);
    run.set_policy(policy_.name());
    *run.mutable_slot_time() = ToProto(slot);
    SetWanted(database, run);
    return run;
  }

  const v1::Policy& policy_;
  const v1::RunKind kind_;
  const Schedule schedule_;
  const Exclusions exclusions_;
  const absl::Time now_;
  const absl::Time planned_time_;
  Random& random_;
  const v1::RunSpec spec_;
  const bool held_back_;
  const std::vector<absl::Time> future_slots_;
  // By the time after which, and whether some are left out; mostly one for all databases.
  std::map<absl::Time, std::pair<std::vector<absl::Time>, bool>> unplanned_;
  std::map<absl::Time, std::vector<ExcludedSpan>> spans_;  // By slot.
};

// A run by hand that reads a stored backup.
v1::Run ManualReadingRun(v1::RunKind kind, const v1::Backup& backup, absl::Time now, Random& random) {
  v1::Run run = NewRun(kind, v1::PENDING, backup.database(), now, random);
  run.set_manual(true);
  run.set_policy(backup.policy());
  *run.mutable_slot_time() = ToProto(now);
  *run.mutable_not_before_time() = ToProto(now);
  *run.mutable_start_deadline_time() = ToProto(now + kManualStartDeadline);
  SetBackupToRead(backup, run);
  return run;
}

}  // namespace

v1::ScheduleSpec DrillSchedule(const v1::PolicySpec& spec) {
  v1::ScheduleSpec schedule = spec.schedule();
  schedule.clear_every();
  schedule.set_cron(spec.drill().cron());
  return schedule;
}

namespace {

absl::StatusOr<std::vector<Planner>> MakePlanners(const PolicyView& view, absl::Time now, Random& random) {
  const v1::Policy& policy = *view.policy;
  const v1::PolicySpec& spec = policy.spec();
  std::vector<Planner> planners;
  ASSIGN_OR_RETURN(Schedule schedule, Schedule::Create(spec.schedule()));
  ASSIGN_OR_RETURN(const Exclusions exclusions, Exclusions::Create(spec.schedule()));
  planners.emplace_back(policy, v1::BACKUP, std::move(schedule), exclusions, BackupRunSpec(spec), view.planned_time,
                        now, random);
  if (spec.has_drill()) {
    ASSIGN_OR_RETURN(Schedule drills, Schedule::Create(DrillSchedule(spec)));
    planners.emplace_back(policy, v1::DRILL, std::move(drills), exclusions, DrillRunSpec(spec), view.planned_time, now,
                          random);
  }
  return planners;
}

std::map<std::pair<v1::RunKind, std::string>, DatabaseRows> SortRows(const PolicyView& view) {
  std::map<std::pair<v1::RunKind, std::string>, DatabaseRows> rows;
  for (const v1::Run& run : view.scheduled_runs) {
    rows[{run.kind(), run.database()}].scheduled[ToAbsl(run.slot_time())] = &run;
  }
  for (const v1::Run& run : view.ended_ahead) {
    rows[{run.kind(), run.database()}].ended_ahead[ToAbsl(run.slot_time())] = &run;
  }
  for (const auto& [key, known] : view.known_slots) {
    rows[key].known = &known;
  }
  return rows;
}

}  // namespace

absl::StatusOr<PolicyChange> PlanRuns(const PolicyView& view, absl::Time now, Random& random) {
  const v1::Policy& policy = *view.policy;
  ASSIGN_OR_RETURN(std::vector<Planner> planners, MakePlanners(view, now, random));
  std::map<std::pair<v1::RunKind, std::string>, DatabaseRows> rows = SortRows(view);
  PolicyChange change;
  change.planned = true;
  std::set<std::string> covered;
  for (const v1::Database& database : view.databases) {
    if (Covers(policy.spec(), database)) {
      covered.insert(database.name());
      for (Planner& planner : planners) {
        const bool complete = planner.PlanDatabase(database.name(), rows[{planner.kind(), database.name()}], change);
        change.planned = change.planned && complete;
      }
    }
  }
  for (const v1::Run& run : view.scheduled_runs) {
    const absl::Time slot = ToAbsl(run.slot_time());
    const bool wanted =
        covered.contains(run.database()) && std::any_of(planners.begin(), planners.end(), [&](const Planner& planner) {
          return planner.kind() == run.kind() && planner.IsWanted(slot);
        });
    if (slot > now && !wanted) {
      change.withdraw_runs.push_back(run.name());
    }
  }
  return change;
}

v1::RunSpec BackupRunSpec(const v1::PolicySpec& spec) {
  v1::RunSpec run_spec;
  *run_spec.mutable_dump() = spec.dump();
  *run_spec.mutable_verify() = spec.verify();
  run_spec.set_overlap(spec.schedule().overlap());
  return run_spec;
}

v1::RunSpec DrillRunSpec(const v1::PolicySpec& spec) {
  v1::RunSpec run_spec;
  v1::DrillRunSpec& drill = *run_spec.mutable_drill();
  drill.set_jobs(spec.dump().jobs());
  if (spec.drill().has_max_duration()) {
    *drill.mutable_max_duration() = spec.drill().max_duration();
  }
  *drill.mutable_assertions() = spec.drill().assertions();
  return run_spec;
}

void SetBackupToRead(const v1::Backup& backup, v1::Run& run) {
  run.set_backup(backup.name());
  run.mutable_spec()->set_backup_id(ParseBackupName(backup.name()).value_or(""));
  run.mutable_spec()->set_manifest_sha256(backup.manifest_sha256());
}

v1::Run ManualBackupRun(const v1::Policy& policy, absl::string_view database, absl::Time now, Random& random) {
  v1::PolicySpec spec = policy.spec();
  FillDefaults(spec);
  v1::Run run = NewRun(v1::BACKUP, v1::PENDING, database, now, random);
  run.set_policy(policy.name());
  run.set_manual(true);
  *run.mutable_slot_time() = ToProto(now);
  *run.mutable_not_before_time() = ToProto(now);
  *run.mutable_start_deadline_time() = ToProto(now + ToAbsl(spec.schedule().start_deadline()));
  *run.mutable_spec() = BackupRunSpec(spec);
  return run;
}

v1::Run ManualVerifyRun(const v1::Backup& backup, absl::Time now, Random& random) {
  v1::Run run = ManualReadingRun(v1::VERIFY, backup, now, random);
  run.mutable_spec()->set_overlap(v1::SKIP);
  return run;
}

v1::Run ManualDrillRun(const v1::Backup& backup, const v1::DrillRunSpec& drill, absl::Time now, Random& random) {
  v1::Run run = ManualReadingRun(v1::DRILL, backup, now, random);
  *run.mutable_spec()->mutable_drill() = drill;
  return run;
}

v1::Run NewDeleteRun(const v1::Backup& backup, absl::Time now, Random& random) {
  v1::Run run = ManualReadingRun(v1::DELETE, backup, now, random);
  *run.mutable_start_deadline_time() = ToProto(now + kDeleteStartDeadline);
  return run;
}

v1::Run ManualRestoreRun(const v1::Backup& backup, const v1::RestoreRunSpec& restore, absl::Time now, Random& random) {
  v1::Run run = ManualReadingRun(v1::RESTORE, backup, now, random);
  *run.mutable_spec()->mutable_restore() = restore;
  return run;
}

}  // namespace backup::server
