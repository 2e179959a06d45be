// SPDX-License-Identifier: Apache-2.0
#include "server/domain/retention_steps.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/time/civil_time.h"
#include "base/proto_json.h"

namespace backup::server {
namespace {

int32_t DayNumber(absl::CivilDay day) { return static_cast<int32_t>(day - absl::CivilDay(1970)); }

// The first periods that were seen, at most `limit` of them. Nearly always they come in falling order, so that a look
// at the last one tells.
class FirstPeriods {
 public:
  explicit FirstPeriods(int limit) : limit_(static_cast<size_t>(std::max(limit, 0))) {}

  // Whether it is one of the first, and seen for the first time.
  bool Take(int32_t period) {
    if (seen_.size() >= limit_) return false;
    if (!seen_.empty() && period >= least_) {
      if (period == seen_.back() || std::find(seen_.begin(), seen_.end(), period) != seen_.end()) return false;
    }
    least_ = seen_.empty() ? period : std::min(least_, period);
    seen_.push_back(period);
    return true;
  }

 private:
  const size_t limit_;
  std::vector<int32_t> seen_;
  int32_t least_ = 0;
};

enum Verdict : uint8_t { kGoes, kKeptByRule, kProtected };

// One application: a verdict on each backup, from the newest to the oldest.
class Application {
 public:
  Application(const std::vector<RetentionSteps::Item>& items, const std::vector<RetentionSteps::Periods>& periods,
              const v1::RetentionSpec& spec, absl::Time now)
      : items_(items),
        periods_(periods),
        spec_(spec),
        now_(now),
        minimum_good_(std::max(spec.minimum_good(), 1)),
        keep_within_(spec.has_keep_within() ? ToAbsl(spec.keep_within()) : -absl::InfiniteDuration()),
        young_after_(now - keep_within_),
        first_periods_{FirstPeriods(spec.keep_daily()), FirstPeriods(spec.keep_weekly()),
                       FirstPeriods(spec.keep_monthly()), FirstPeriods(spec.keep_yearly())},
        verdicts_(items.size(), kGoes) {
    Judge();
    FitIntoBudget();
  }

  const std::vector<Verdict>& verdicts() const { return verdicts_; }
  bool has_future_dated() const { return has_future_dated_; }
  // See Outcome.
  absl::Time next_release() const {
    absl::Time next = absl::InfiniteFuture();
    for (size_t i = 0; i < items_.size(); ++i) {
      if (verdicts_[i] == kGoes) continue;
      const absl::Time snapshot = items_[i].backup.snapshot_time;
      const absl::Time ends[] = {items_[i].hold_end, snapshot - kClockTolerance, snapshot + keep_within_};
      for (const absl::Time end : ends) {
        if (end > now_) next = std::min(next, end);
      }
    }
    return next;
  }

 private:
  void Judge() {
    for (size_t i = items_.size(); i-- > 0;) {
      const RetainedBackup& backup = items_[i].backup;
      const bool is_future_dated = backup.snapshot_time > now_ + kClockTolerance;
      has_future_dated_ = has_future_dated_ || is_future_dated;
      const bool is_good = backup.state == v1::GOOD;
      // Of a good one: it is among the newest. Of another: not enough good ones followed it.
      bool is_protected = good_seen_ < minimum_good_ || is_future_dated || backup.in_use || items_[i].hold_end > now_;
      if (is_good && backup.proven && !proven_seen_) is_protected = proven_seen_ = true;
      const bool is_wanted = is_good && IsWanted(i, is_future_dated);
      good_seen_ += is_good ? 1 : 0;
      verdicts_[i] = is_protected ? kProtected : is_wanted ? kKeptByRule : kGoes;
      kept_bytes_ += verdicts_[i] == kGoes ? 0 : backup.size_bytes;
    }
  }

  bool IsWanted(size_t i, bool is_future_dated) {
    bool is_wanted = good_seen_ < spec_.keep_last();
    if (is_future_dated) return is_wanted;
    is_wanted = is_wanted || items_[i].backup.snapshot_time > young_after_;
    for (size_t p = 0; p < std::size(first_periods_); ++p) {
      // Told also of one that another rule keeps.
      if (first_periods_[p].Take(periods_[i].first_days[p])) is_wanted = true;
    }
    return is_wanted;
  }

  void FitIntoBudget() {
    for (size_t i = 0; spec_.max_total_bytes() > 0 && i < items_.size() && kept_bytes_ > spec_.max_total_bytes(); ++i) {
      if (verdicts_[i] != kKeptByRule) continue;
      verdicts_[i] = kGoes;
      kept_bytes_ -= items_[i].backup.size_bytes;
    }
  }

  const std::vector<RetentionSteps::Item>& items_;
  const std::vector<RetentionSteps::Periods>& periods_;
  const v1::RetentionSpec& spec_;
  const absl::Time now_;
  const int minimum_good_;
  const absl::Duration keep_within_;  // -InfiniteDuration without the rule.
  const absl::Time young_after_;
  FirstPeriods first_periods_[4];
  std::vector<Verdict> verdicts_;
  int good_seen_ = 0;
  bool proven_seen_ = false;
  bool has_future_dated_ = false;
  absl::int128 kept_bytes_ = 0;
};

}  // namespace

RetentionSteps::RetentionSteps(const v1::RetentionSpec& spec, const absl::TimeZone& zone) : spec_(spec), zone_(zone) {}

void RetentionSteps::Add(const Item& item) {
  const absl::CivilDay day = absl::ToCivilDay(item.backup.snapshot_time, zone_);
  const absl::CivilDay week = absl::PrevWeekday(day + 1, absl::Weekday::monday);  // ISO 8601.
  const absl::CivilDay month(absl::CivilMonth{day});
  const absl::CivilDay year(absl::CivilYear{day});
  items_.push_back(item);
  periods_.push_back({{DayNumber(day), DayNumber(week), DayNumber(month), DayNumber(year)}});
  total_bytes_ += item.backup.size_bytes;
}

void RetentionSteps::ProveNewestGood() {
  for (size_t i = items_.size(); i-- > 0;) {
    if (items_[i].backup.state != v1::GOOD) continue;
    items_[i].backup.proven = true;
    return;
  }
}

bool RetentionSteps::EndUses() {
  bool any = false;
  for (Item& item : items_) {
    any = any || item.backup.in_use;
    item.backup.in_use = false;
  }
  return any;
}

RetentionSteps::Outcome RetentionSteps::Apply(absl::Time now, bool last_run_failed) {
  const Application application(items_, periods_, spec_, now);
  const std::vector<Verdict>& verdicts = application.verdicts();
  Outcome outcome;
  outcome.visited = static_cast<int64_t>(items_.size());
  outcome.next_release = application.next_release();
  frozen_.clear();
  const auto going = static_cast<size_t>(std::count(verdicts.begin(), verdicts.end(), kGoes));
  if (going == 0) return outcome;
  if (last_run_failed) outcome.frozen.push_back(FreezeReason::kLastRunFailed);
  if (items_.back().backup.state != v1::GOOD) outcome.frozen.push_back(FreezeReason::kLastBackupNotGood);
  if (application.has_future_dated()) outcome.frozen.push_back(FreezeReason::kClock);
  if (2 * going > items_.size()) outcome.frozen.push_back(FreezeReason::kTooMuch);
  if (!outcome.frozen.empty()) {
    for (const Verdict verdict : verdicts) frozen_.push_back(verdict == kGoes);
    return outcome;
  }
  size_t kept = 0;
  for (size_t i = 0; i < items_.size(); ++i) {
    if (verdicts[i] == kGoes) {
      total_bytes_ -= items_[i].backup.size_bytes;
      outcome.deleted.push_back(std::move(items_[i]));
      continue;
    }
    if (kept != i) {
      items_[kept] = std::move(items_[i]);
      periods_[kept] = periods_[i];
    }
    ++kept;
  }
  items_.resize(kept);
  periods_.resize(kept);
  return outcome;
}

bool RetentionSteps::IsFrozen(absl::string_view name) const {
  for (size_t i = 0; i < frozen_.size(); ++i) {
    if (frozen_[i] && items_[i].backup.name == name) return true;
  }
  return false;
}

RetentionState RetentionSteps::StateAt(absl::Time now, bool last_run_failed) const {
  RetentionState state;
  for (const Item& item : items_) {
    state.backups.push_back(item.backup);
    state.backups.back().held = item.hold_end > now;
  }
  state.last_run_failed = last_run_failed;
  return state;
}

}  // namespace backup::server
