// SPDX-License-Identifier: Apache-2.0
#include "server/domain/planning.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/proto_json.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "server/domain/policy_rules.h"
#include "server/domain/schedule.h"
#include "server/domain/selector.h"

#include <google/protobuf/util/message_differencer.h>

namespace backup::server {
namespace {

constexpr absl::Duration kMaxCatchUp = absl::Hours(7 * 24);
constexpr size_t kMaxCatchUpSlots = 1000;
constexpr absl::Duration kManualStartDeadline = absl::Hours(6);
// Nobody waits for it, and its agent may be away.
constexpr absl::Duration kDeleteStartDeadline = absl::Hours(7 * 24);

using google::protobuf::util::MessageDifferencer;

// The rows of one database, by slot. A slot that is no longer wanted stays when it is due: time decides about it.
struct DatabaseRows {
  std::map<absl::Time, const v1::Run*> by_slot;
  absl::Time last_slot() const { return by_slot.empty() ? absl::InfinitePast() : by_slot.rbegin()->first; }
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

// Slots in (after, now], the newest of them when there are too many.
std::vector<absl::Time> PastSlots(const Schedule& schedule, absl::Time after, absl::Time now) {
  std::deque<absl::Time> slots;
  for (absl::Time slot = schedule.NextSlot(after); slot <= now; slot = schedule.NextSlot(slot)) {
    slots.push_back(slot);
    if (slots.size() > kMaxCatchUpSlots) {
      slots.pop_front();
    }
  }
  return {slots.begin(), slots.end()};
}

// What a run's row should say, but for its name, epoch and state.
struct WantedTimes {
  google::protobuf::Timestamp not_before;
  google::protobuf::Timestamp start_deadline;
};

WantedTimes TimesFor(const v1::Policy& policy, const std::string& database, absl::Time slot) {
  const v1::ScheduleSpec& schedule = policy.spec().schedule();
  return {ToProto(slot + Jitter(policy.name(), database, ToAbsl(schedule.jitter()))),
          // Whole seconds, so that a row reads back as it was written.
          ToProto(slot + absl::Trunc(ToAbsl(schedule.start_deadline()), absl::Seconds(1)))};
}

bool IsUpToDate(const v1::Run& run, const WantedTimes& times, const v1::RunSpec& spec) {
  // An empty message and none mean the same, and the catalog need not keep them apart.
  return MessageDifferencer::Equivalent(run.not_before_time(), times.not_before) &&
         MessageDifferencer::Equivalent(run.start_deadline_time(), times.start_deadline) &&
         MessageDifferencer::Equivalent(run.spec(), spec);
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
  Planner(const v1::Policy& policy, v1::RunKind kind, Schedule schedule, v1::RunSpec spec, absl::Time now,
          Random& random)
      : policy_(policy),
        kind_(kind),
        schedule_(std::move(schedule)),
        now_(now),
        random_(random),
        spec_(std::move(spec)),
        future_slots_(FutureSlots(schedule_, now)) {}

  v1::RunKind kind() const { return kind_; }

  // Rows that a covered database lacks, and those to be put right.
  void PlanDatabase(const std::string& database, const DatabaseRows& rows, PolicyChange& change) {
    for (const absl::Time slot : CatchUpSlots(rows)) {
      change.create_runs.push_back(NewScheduledRun(database, slot));
    }
    for (const absl::Time slot : future_slots_) {
      const auto found = rows.by_slot.find(slot);
      if (found == rows.by_slot.end()) {
        change.create_runs.push_back(NewScheduledRun(database, slot));
      } else if (const WantedTimes times = TimesFor(policy_, database, slot);
                 !IsUpToDate(*found->second, times, spec_)) {
        v1::Run updated = *found->second;
        SetWanted(updated, times);
        updated.set_epoch(updated.epoch() + 1);
        updated.set_delivered(false);
        change.update_runs.push_back(std::move(updated));
      }
    }
  }

  bool IsWanted(absl::Time slot) const { return std::binary_search(future_slots_.begin(), future_slots_.end(), slot); }

 private:
  // A database that has no row is new here: nothing was due for it before.
  const std::vector<absl::Time>& CatchUpSlots(const DatabaseRows& rows) {
    static const auto& none = *new std::vector<absl::Time>;
    if (rows.by_slot.empty() || rows.last_slot() > now_) {
      return none;
    }
    const absl::Time after = std::max({rows.last_slot(), ToAbsl(policy_.update_time()), now_ - kMaxCatchUp});
    auto [it, inserted] = catch_up_.try_emplace(after);
    if (inserted) {
      it->second = PastSlots(schedule_, after, now_);
    }
    return it->second;
  }

  void SetWanted(v1::Run& run, const WantedTimes& times) const {
    *run.mutable_not_before_time() = times.not_before;
    *run.mutable_start_deadline_time() = times.start_deadline;
    *run.mutable_spec() = spec_;
  }

  v1::Run NewScheduledRun(const std::string& database, absl::Time slot) {
    v1::Run run = NewRun(kind_, v1::SCHEDULED, database, now_, random_);
    run.set_policy(policy_.name());
    *run.mutable_slot_time() = ToProto(slot);
    SetWanted(run, TimesFor(policy_, database, slot));
    return run;
  }

  const v1::Policy& policy_;
  const v1::RunKind kind_;
  const Schedule schedule_;
  const absl::Time now_;
  Random& random_;
  const v1::RunSpec spec_;
  const std::vector<absl::Time> future_slots_;
  std::map<absl::Time, std::vector<absl::Time>> catch_up_;  // By the time after which; mostly one for all databases.
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

absl::StatusOr<std::vector<Planner>> MakePlanners(const v1::Policy& policy, absl::Time now, Random& random) {
  const v1::PolicySpec& spec = policy.spec();
  std::vector<Planner> planners;
  ASSIGN_OR_RETURN(Schedule schedule, Schedule::Create(spec.schedule()));
  planners.emplace_back(policy, v1::BACKUP, std::move(schedule), BackupRunSpec(spec), now, random);
  if (spec.has_drill()) {
    ASSIGN_OR_RETURN(Schedule drills, Schedule::Create(DrillSchedule(spec)));
    planners.emplace_back(policy, v1::DRILL, std::move(drills), DrillRunSpec(spec), now, random);
  }
  return planners;
}

}  // namespace

absl::StatusOr<PolicyChange> PlanRuns(const PolicyView& view, absl::Time now, Random& random) {
  const v1::Policy& policy = *view.policy;
  ASSIGN_OR_RETURN(std::vector<Planner> planners, MakePlanners(policy, now, random));
  std::map<std::pair<v1::RunKind, std::string>, DatabaseRows> rows;
  for (const v1::Run& run : view.scheduled_runs) {
    rows[{run.kind(), run.database()}].by_slot[ToAbsl(run.slot_time())] = &run;
  }
  PolicyChange change;
  std::set<std::string> covered;
  for (const v1::Database& database : view.databases) {
    if (Covers(policy.spec(), database)) {
      covered.insert(database.name());
      for (Planner& planner : planners) {
        planner.PlanDatabase(database.name(), rows[{planner.kind(), database.name()}], change);
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
