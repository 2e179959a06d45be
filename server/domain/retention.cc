// SPDX-License-Identifier: Apache-2.0
#include "server/domain/retention.h"

#include <algorithm>
#include <functional>
#include <set>

#include "absl/time/civil_time.h"
#include "base/proto_json.h"
#include "server/domain/backup_hold.h"

namespace backup::server {
namespace {

// The first day of the day's period, which stands for it.
using Period = std::function<absl::CivilDay(absl::CivilDay)>;

absl::CivilDay DayOf(absl::CivilDay day) { return day; }
absl::CivilDay WeekOf(absl::CivilDay day) { return absl::PrevWeekday(day + 1, absl::Weekday::monday); }  // ISO 8601.
absl::CivilDay MonthOf(absl::CivilDay day) { return absl::CivilDay(absl::CivilMonth(day)); }
absl::CivilDay YearOf(absl::CivilDay day) { return absl::CivilDay(absl::CivilYear(day)); }

class RetentionPlanner {
 public:
  RetentionPlanner(const RetentionState& state, const v1::RetentionSpec& spec, const absl::TimeZone& zone,
                   absl::Time now)
      : backups_(state.backups), spec_(spec), zone_(zone), now_(now) {
    for (const RetainedBackup& backup : backups_) {
      plan_.decisions.push_back({backup.name, {}, false});
    }
    for (size_t i = backups_.size(); i-- > 0;) {
      if (backups_[i].state == v1::GOOD) {
        newest_good_.push_back(i);
      }
    }
  }

  RetentionPlan Plan(const RetentionState& state) {
    KeepWhateverTheRulesSay();
    KeepByAge();
    KeepFirst(newest_good_, spec_.keep_last(), KeepRule::kLast);
    KeepPeriods(&DayOf, spec_.keep_daily(), KeepRule::kDaily);
    KeepPeriods(&WeekOf, spec_.keep_weekly(), KeepRule::kWeekly);
    KeepPeriods(&MonthOf, spec_.keep_monthly(), KeepRule::kMonthly);
    KeepPeriods(&YearOf, spec_.keep_yearly(), KeepRule::kYearly);
    FitIntoBudget();
    Freeze(state);
    return std::move(plan_);
  }

 private:
  void Keep(size_t i, KeepRule rule) { plan_.decisions[i].keep.push_back(rule); }

  void KeepFirst(const std::vector<size_t>& backups, int count, KeepRule rule) {
    for (size_t i = 0; i < backups.size() && i < static_cast<size_t>(std::max(count, 0)); ++i) {
      Keep(backups[i], rule);
    }
  }

  bool IsFutureDated(const RetainedBackup& backup) const { return backup.snapshot_time > now_ + kClockTolerance; }

  void KeepWhateverTheRulesSay() {
    KeepFirst(newest_good_, 1, KeepRule::kNewestGood);
    std::vector<size_t> proven;
    std::copy_if(newest_good_.begin(), newest_good_.end(), std::back_inserter(proven),
                 [this](size_t i) { return backups_[i].proven; });
    KeepFirst(proven, 1, KeepRule::kNewestProven);
    const int minimum_good = std::max(spec_.minimum_good(), 1);
    KeepFirst(newest_good_, minimum_good, KeepRule::kMinimumGood);
    int good_after = 0;
    for (size_t i = backups_.size(); i-- > 0;) {
      const RetainedBackup& backup = backups_[i];
      if (backup.held) Keep(i, KeepRule::kHeld);
      if (backup.in_use) Keep(i, KeepRule::kInUse);
      if (IsFutureDated(backup)) Keep(i, KeepRule::kFutureDated);
      if (backup.state == v1::GOOD) {
        ++good_after;
      } else if (good_after < minimum_good) {
        Keep(i, KeepRule::kNotReplaced);
      }
    }
    for (size_t i = 0; i < backups_.size(); ++i) {
      is_protected_.push_back(!plan_.decisions[i].keep.empty());
    }
  }

  void KeepByAge() {
    for (const size_t i : newest_good_) {
      const bool is_young = backups_[i].snapshot_time > now_ - ToAbsl(spec_.keep_within());
      if (spec_.has_keep_within() && is_young && !IsFutureDated(backups_[i])) {
        Keep(i, KeepRule::kWithin);
      }
    }
  }

  void KeepPeriods(const Period& period_of, int count, KeepRule rule) {
    std::set<absl::CivilDay> seen;
    for (const size_t i : newest_good_) {
      if (IsFutureDated(backups_[i])) {
        continue;
      }
      if (static_cast<int>(seen.size()) >= count) {
        return;
      }
      if (seen.insert(period_of(absl::ToCivilDay(backups_[i].snapshot_time, zone_))).second) {
        Keep(i, rule);
      }
    }
  }

  void FitIntoBudget() {
    if (spec_.max_total_bytes() <= 0) {
      return;
    }
    int64_t total = 0;
    for (size_t i = 0; i < backups_.size(); ++i) {
      total += plan_.decisions[i].keep.empty() ? 0 : backups_[i].size_bytes;
    }
    for (size_t i = 0; i < backups_.size() && total > spec_.max_total_bytes(); ++i) {
      RetentionDecision& decision = plan_.decisions[i];
      if (!decision.keep.empty() && !is_protected_[i]) {
        decision.keep.clear();
        decision.over_budget = true;
        total -= backups_[i].size_bytes;
      }
    }
    plan_.over_budget = total > spec_.max_total_bytes();
  }

  void Freeze(const RetentionState& state) {
    if (state.last_run_failed) {
      plan_.frozen.push_back(FreezeReason::kLastRunFailed);
    }
    if (!backups_.empty() && backups_.back().state != v1::GOOD) {
      plan_.frozen.push_back(FreezeReason::kLastBackupNotGood);
    }
    if (std::any_of(backups_.begin(), backups_.end(),
                    [this](const RetainedBackup& backup) { return IsFutureDated(backup); })) {
      plan_.frozen.push_back(FreezeReason::kClock);
    }
    if (state.clock_jumped) {
      plan_.frozen.push_back(FreezeReason::kClockJumped);
    }
    const auto going = std::count_if(plan_.decisions.begin(), plan_.decisions.end(),
                                     [](const RetentionDecision& decision) { return decision.keep.empty(); });
    if (2 * static_cast<size_t>(going) > backups_.size()) {
      plan_.frozen.push_back(FreezeReason::kTooMuch);
    }
  }

  const std::vector<RetainedBackup>& backups_;
  const v1::RetentionSpec& spec_;
  const absl::TimeZone zone_;
  const absl::Time now_;
  std::vector<size_t> newest_good_;  // Indexes of the good ones, the newest first.
  std::vector<bool> is_protected_;   // Kept whatever the rules say.
  RetentionPlan plan_;
};

}  // namespace

RetainedBackup ToRetained(const v1::Backup& backup, absl::Time now) {
  RetainedBackup retained;
  retained.name = backup.name();
  retained.sequence = backup.sequence();
  retained.snapshot_time = ToAbsl(backup.snapshot_time());
  retained.size_bytes = backup.size_bytes();
  retained.state = backup.state();
  retained.proven = backup.verification_level() == v1::RESTORED;
  retained.held = IsHeld(backup, now);
  return retained;
}

RetentionPlan PlanRetention(const RetentionState& state, const v1::RetentionSpec& spec, const absl::TimeZone& zone,
                            absl::Time now) {
  return RetentionPlanner(state, spec, zone, now).Plan(state);
}

absl::string_view KeepRuleText(KeepRule rule) {
  switch (rule) {
    case KeepRule::kNewestGood:
      return "newest good";
    case KeepRule::kNewestProven:
      return "newest proven";
    case KeepRule::kHeld:
      return "held";
    case KeepRule::kInUse:
      return "in use";
    case KeepRule::kFutureDated:
      return "dated in the future";
    case KeepRule::kMinimumGood:
      return "minimumGood";
    case KeepRule::kNotReplaced:
      return "not good, and not followed by enough good ones";
    case KeepRule::kWithin:
      return "keepWithin";
    case KeepRule::kLast:
      return "keepLast";
    case KeepRule::kDaily:
      return "keepDaily";
    case KeepRule::kWeekly:
      return "keepWeekly";
    case KeepRule::kMonthly:
      return "keepMonthly";
    case KeepRule::kYearly:
      return "keepYearly";
  }
  return "";
}

absl::string_view FreezeReasonText(FreezeReason reason) {
  switch (reason) {
    case FreezeReason::kLastRunFailed:
      return "the last backup run brought no backup";
    case FreezeReason::kLastBackupNotGood:
      return "the newest backup is not good";
    case FreezeReason::kClock:
      return "a backup is dated in the future: a clock is wrong, or was";
    case FreezeReason::kClockJumped:
      return "a clock jumped lately, or the agent's differs from the controller's";
    case FreezeReason::kTooMuch:
      return "more than half of the backups would go at once";
  }
  return "";
}

}  // namespace backup::server
