// SPDX-License-Identifier: Apache-2.0
#include "server/domain/retention_simulation.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/proto_json.h"
#include "base/status_macros.h"
#include "base/units.h"
#include "server/domain/planned_starts.h"
#include "server/domain/planning.h"
#include "server/domain/retention.h"
#include "server/domain/retention_steps.h"
#include "server/domain/time_zone.h"

namespace backup::server {
namespace {

// Retention goes through all databases this often: what no backup run releases goes then.
constexpr absl::Duration kPassInterval = absl::Hours(1);
// Of the answer.
constexpr size_t kMaxSimulatedBackups = 10'000;
// Finding a slot costs as much as looking at so many backups.
constexpr int64_t kSlotWork = 30;

absl::Time HoldEnd(const v1::Backup& backup) {
  if (!backup.has_hold()) return absl::InfinitePast();
  return backup.hold().has_expire_time() ? ToAbsl(backup.hold().expire_time()) : absl::InfiniteFuture();
}

RetentionSteps::Item ToItem(const v1::Backup& backup, bool in_use, absl::Time now) {
  RetentionSteps::Item item{ToRetained(backup, now), HoldEnd(backup)};
  item.backup.in_use = in_use;
  return item;
}

int64_t Clamped(absl::int128 bytes) {
  return static_cast<int64_t>(std::min(bytes, absl::int128(std::numeric_limits<int64_t>::max())));
}

// The way into the future, one application of retention at a time.
class Future {
 public:
  static absl::StatusOr<Future> Create(const RetentionToday& today) {
    const v1::PolicySpec& spec = today.policy.spec();
    ASSIGN_OR_RETURN(const absl::TimeZone zone, FindTimeZone(spec.schedule().time_zone()));
    ASSIGN_OR_RETURN(PlannedStarts starts, PlannedStarts::Create(spec.schedule(), today.now));
    std::optional<PlannedStarts> drills;
    if (spec.has_drill()) {
      ASSIGN_OR_RETURN(drills, PlannedStarts::Create(DrillSchedule(spec), today.now));
    }
    return Future(today, zone, std::move(starts), std::move(drills));
  }

  // The first application, at the start.
  RetentionSteps::Outcome Begin() {
    RetentionSteps::Outcome outcome = Apply(now_);
    if (steps_.EndUses()) next_pass_ = now_ + kPassInterval;
    return outcome;
  }

  // Goes on to the next application, but not beyond `end`: at `end` there is always one.
  RetentionSteps::Outcome Next(absl::Time end) {
    const absl::Time time = std::min({starts_.next(), next_pass_, NextDrillPass(), end});
    while (drills_.has_value() && drills_->next() <= time) {
      steps_.ProveNewestGood();
      drills_->Advance();
    }
    now_ = time;
    if (starts_.next() == time) {
      RetentionSteps::Item made;
      made.backup.sequence = ++last_sequence_;
      made.backup.snapshot_time = time;
      made.backup.size_bytes = assumed_size_bytes_;
      steps_.Add(made);
      ++made_count_;
      last_run_failed_ = false;
      starts_.Advance();
    }
    return Apply(time);
  }

  absl::Time now() const { return now_; }
  int64_t work() const { return visited_ + kSlotWork * (starts_.work() + (drills_.has_value() ? drills_->work() : 0)); }
  int64_t made_count() const { return made_count_; }
  int64_t deleted_count() const { return deleted_count_; }
  int64_t assumed_size_bytes() const { return assumed_size_bytes_; }
  size_t peak_count() const { return peak_count_; }
  absl::int128 peak_bytes() const { return peak_bytes_; }
  const RetentionSteps& steps() const { return steps_; }
  bool last_run_failed() const { return last_run_failed_; }

 private:
  Future(const RetentionToday& today, const absl::TimeZone& zone, PlannedStarts starts,
         std::optional<PlannedStarts> drills)
      : steps_(today.policy.spec().retention(), zone),
        starts_(std::move(starts)),
        drills_(std::move(drills)),
        start_(today.now),
        now_(today.now),
        last_run_failed_(today.last_run_failed),
        assumed_size_bytes_(today.other_size_bytes) {
    for (const v1::Backup& backup : today.backups) {
      if (backup.state() == v1::DELETING || backup.state() == v1::DELETED) continue;
      steps_.Add(ToItem(backup, today.in_use.contains(backup.name()), today.now));
      last_sequence_ = backup.sequence();
      if (backup.state() == v1::GOOD) assumed_size_bytes_ = backup.size_bytes();
    }
  }

  RetentionSteps::Outcome Apply(absl::Time time) {
    peak_count_ = std::max(peak_count_, steps_.items().size());
    peak_bytes_ = std::max(peak_bytes_, steps_.total_bytes());
    RetentionSteps::Outcome outcome = steps_.Apply(time, last_run_failed_);
    deleted_count_ += static_cast<int64_t>(outcome.deleted.size());
    visited_ += outcome.visited;
    next_pass_ = FirstPassAt(outcome.next_release);
    return outcome;
  }

  absl::Time FirstPassAt(absl::Time time) const {
    return time == absl::InfiniteFuture() ? time : start_ + absl::Ceil(time - start_, kPassInterval);
  }
  absl::Time NextDrillPass() const {
    return drills_.has_value() ? FirstPassAt(drills_->next()) : absl::InfiniteFuture();
  }

  RetentionSteps steps_;
  PlannedStarts starts_;
  std::optional<PlannedStarts> drills_;
  const absl::Time start_;
  absl::Time now_;
  absl::Time next_pass_ =
      absl::InfiniteFuture();  // When the next backup is released by time, or by the end of its use.
  bool last_run_failed_;
  int64_t assumed_size_bytes_;
  int64_t last_sequence_ = 0;
  int64_t made_count_ = 0;
  int64_t deleted_count_ = 0;
  size_t peak_count_ = 0;
  absl::int128 peak_bytes_ = 0;
  int64_t visited_ = 0;
};

absl::Status TooLarge(const Future& future, absl::Time start, absl::Duration span) {
  const int64_t days = absl::ToInt64Hours(future.now() - start) / 24;
  return MakeError(absl::StatusCode::kInvalidArgument, "SIMULATION_TOO_LARGE",
                   absl::StrCat("a look ", absl::ToInt64Hours(span) / 24, " days ahead is too much work: after ", days,
                                " of them the schedule has brought ", future.made_count(),
                                " backups, of which the policy keeps ", future.steps().items().size()),
                   absl::StrCat("ask for ", std::max<int64_t>(days, 1), " days or fewer"),
                   {{"possible_days", absl::StrCat(days)}});
}

// What stood against deletions, by reason.
class Freezes {
 public:
  void Note(const RetentionSteps::Outcome& outcome, absl::Time time) {
    for (auto& [reason, freeze] : freezes_) freeze.set_lasting(false);
    for (const FreezeReason reason : outcome.frozen) {
      v1::SimulatedFreeze& freeze = freezes_[reason];
      if (!freeze.has_first_time()) *freeze.mutable_first_time() = ToProto(time);
      *freeze.mutable_last_time() = ToProto(time);
      freeze.set_reason(std::string(FreezeReasonText(reason)));
      freeze.set_lasting(true);
    }
  }

  void AddTo(v1::RetentionSimulation& simulation) const {
    for (const auto& [reason, freeze] : freezes_) *simulation.add_freezes() = freeze;
  }

 private:
  std::map<FreezeReason, v1::SimulatedFreeze> freezes_;
};

void AddBackups(const Future& future, const v1::RetentionSpec& spec, const absl::TimeZone& zone,
                v1::RetentionSimulation& simulation) {
  const RetentionState state = future.steps().StateAt(future.now(), future.last_run_failed());
  const server::RetentionPlan plan = PlanRetention(state, spec, zone, future.now());
  for (size_t i = std::min(state.backups.size(), kMaxSimulatedBackups); i-- > 0;) {
    v1::SimulatedBackup& backup = *simulation.add_backups();
    *backup.mutable_snapshot_time() = ToProto(state.backups[i].snapshot_time);
    backup.set_backup(state.backups[i].name);
    backup.set_size_bytes(state.backups[i].size_bytes);
    for (const KeepRule rule : plan.decisions[i].keep) backup.add_reasons(std::string(KeepRuleText(rule)));
    if (plan.decisions[i].keep.empty()) backup.add_reasons("no rule keeps it, and nothing may be deleted");
  }
}

}  // namespace

absl::StatusOr<v1::RetentionSimulation> SimulateRetention(const RetentionToday& today, absl::Duration span,
                                                          int64_t max_work) {
  ASSIGN_OR_RETURN(Future future, Future::Create(today));
  ASSIGN_OR_RETURN(const absl::TimeZone zone, FindTimeZone(today.policy.spec().schedule().time_zone()));
  const absl::Time end = today.now + span;
  v1::RetentionSimulation simulation;
  simulation.set_policy(today.policy.name());
  *simulation.mutable_start_time() = ToProto(today.now);
  *simulation.mutable_end_time() = ToProto(end);
  simulation.set_start_count(static_cast<int64_t>(future.steps().items().size()));
  Freezes freezes;
  freezes.Note(future.Begin(), today.now);
  while (future.now() < end) {
    if (future.work() > max_work) return TooLarge(future, today.now, span);
    const RetentionSteps::Outcome outcome = future.Next(end);
    freezes.Note(outcome, future.now());
  }
  AddBackups(future, today.policy.spec().retention(), zone, simulation);
  freezes.AddTo(simulation);
  simulation.set_made_count(future.made_count());
  simulation.set_deleted_count(future.deleted_count());
  simulation.set_peak_count(static_cast<int64_t>(future.peak_count()));
  simulation.set_peak_bytes(Clamped(future.peak_bytes()));
  simulation.set_backup_count(static_cast<int64_t>(future.steps().items().size()));
  simulation.set_total_bytes(Clamped(future.steps().total_bytes()));
  simulation.set_assumed_size_bytes(future.assumed_size_bytes());
  return simulation;
}

absl::StatusOr<DeletionForecast> ForecastDeletion(const RetentionToday& today, absl::string_view backup,
                                                  absl::Duration span, int64_t max_work) {
  ASSIGN_OR_RETURN(Future future, Future::Create(today));
  const absl::Time end = today.now + span;
  const auto is_it = [&](const RetentionSteps::Item& item) { return item.backup.name == backup; };
  DeletionForecast forecast;
  RetentionSteps::Outcome outcome = future.Begin();
  while (std::none_of(outcome.deleted.begin(), outcome.deleted.end(), is_it)) {
    if (!future.steps().IsFrozen(backup)) {
      forecast.unkept_time = absl::InfiniteFuture();
    } else {
      forecast.unkept_time = std::min(forecast.unkept_time, future.now());
      forecast.frozen = outcome.frozen;
    }
    if (future.now() >= end || future.work() > max_work) {
      forecast.simulated_until = future.now();
      return forecast;
    }
    outcome = future.Next(end);
  }
  forecast.delete_time = future.now();
  forecast.simulated_until = end;
  forecast.unkept_time = absl::InfiniteFuture();
  return forecast;
}

}  // namespace backup::server
