// SPDX-License-Identifier: Apache-2.0
#include "server/domain/retention_compliance.h"

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "base/proto_json.h"
#include "base/units.h"
#include "server/domain/schedule.h"
#include "server/domain/time_zone.h"

namespace backup::server {
namespace {

// A rule that keeps the last backup of each of so many periods.
struct PeriodRule {
  const char* name;
  int64_t count;
  const char* singular;
  const char* plural;
  std::function<absl::CivilDay(absl::CivilDay)> first_day;  // Of the period that has this day.
  std::function<absl::CivilDay(absl::CivilDay)> next;       // The first day of the period after the one that begins so.
};

std::string Quantity(int64_t count, absl::string_view singular, absl::string_view plural) {
  return absl::StrCat(count, " ", count == 1 ? singular : plural);
}

class ComplianceCheck {
 public:
  ComplianceCheck(const PolicyHistory& history, const Schedule& schedule, const absl::TimeZone& zone, absl::Time now)
      : history_(history),
        schedule_(schedule),
        zone_(zone),
        now_(now),
        oldest_(history.good.empty() ? absl::InfiniteFuture()
                                     : *std::min_element(history.good.begin(), history.good.end())),
        start_(std::min({history.first_slot, oldest_, now})),
        change_(std::max(start_, ToAbsl(history.policy.update_time()))) {}

  std::vector<v1::RetentionShortfall> Run() {
    const v1::RetentionSpec& spec = history_.policy.spec().retention();
    if (spec.has_keep_within()) CheckWithin(ToAbsl(spec.keep_within()));
    CheckCount("keepLast", spec.keep_last());
    const auto same = [](absl::CivilDay day) { return day; };
    CheckPeriods({"keepDaily", spec.keep_daily(), "day has", "days have", same, [](auto day) { return day + 1; }});
    CheckPeriods({"keepWeekly", spec.keep_weekly(), "week has", "weeks have",
                  [](auto day) { return absl::PrevWeekday(day + 1, absl::Weekday::monday); },
                  [](auto day) { return day + 7; }});
    CheckPeriods({"keepMonthly", spec.keep_monthly(), "month has", "months have",
                  [](auto day) { return absl::CivilDay(absl::CivilMonth(day)); },
                  [](auto day) { return absl::CivilDay(absl::CivilMonth(day) + 1); }});
    CheckPeriods({"keepYearly", spec.keep_yearly(), "year has", "years have",
                  [](auto day) { return absl::CivilDay(absl::CivilYear(day)); },
                  [](auto day) { return absl::CivilDay(absl::CivilYear(day) + 1); }});
    CheckCount("minimumGood", std::max(spec.minimum_good(), 1));
    return std::move(shortfalls_);
  }

 private:
  // Slots in (after, now], counted up to `limit`.
  int64_t CountSlots(absl::Time after, int64_t limit) const {
    int64_t count = 0;
    for (absl::Time slot = schedule_.NextSlot(after); slot <= now_ && count < limit; slot = schedule_.NextSlot(slot)) {
      ++count;
    }
    return count;
  }

  // Periods with a slot in (after, now], counted up to the rule's number.
  int64_t CountPeriods(const PeriodRule& rule, absl::Time after) const {
    int64_t count = 0;
    absl::Time slot = schedule_.NextSlot(after);
    while (slot <= now_ && count < rule.count) {
      ++count;
      const absl::CivilDay period = rule.first_day(absl::ToCivilDay(slot, zone_));
      const absl::Time next_period = absl::FromCivil(rule.next(period), zone_);
      slot = schedule_.NextSlot(std::max(slot, next_period - absl::Nanoseconds(1)));
    }
    return count;
  }

  // What there was time for, from the first slot on and from the last change on.
  v1::ShortfallCause CauseOf(int64_t promised, int64_t since_start, int64_t since_change) const {
    if (since_start < promised) return v1::POLICY_YOUNG;
    return since_change < promised ? v1::POLICY_CHANGED : v1::BACKUPS_MISSING;
  }

  std::string CauseText(v1::ShortfallCause cause) const {
    switch (cause) {
      case v1::POLICY_YOUNG:
        return start_ >= now_ ? "no run was due yet"
                              : absl::StrCat("the policy is young here: it began ", FormatRfc3339(start_));
      case v1::POLICY_CHANGED:
        return absl::StrCat("the policy was last changed ", FormatRfc3339(change_),
                            ", and may have asked for less before");
      default:
        return history_.policy.spec().retention().max_total_bytes() > 0
                   ? "there was time for more: good backups are missing, or maxTotalBytes left no room for them"
                   : "there was time for more: good backups are missing";
    }
  }

  void Add(const std::string& rule, const std::string& promise, int64_t promised, int64_t existing,
           v1::ShortfallCause cause, const std::string& what_is) {
    v1::RetentionShortfall& shortfall = shortfalls_.emplace_back();
    shortfall.set_rule(rule);
    shortfall.set_promised_count(promised);
    shortfall.set_existing_count(existing);
    shortfall.set_cause(cause);
    shortfall.set_text(absl::StrCat(rule, " ", promise, ": ", what_is, "; ", CauseText(cause)));
  }

  void CheckCount(const std::string& rule, int64_t promised) {
    const auto existing = static_cast<int64_t>(history_.good.size());
    if (existing >= promised) return;
    const v1::ShortfallCause cause =
        CauseOf(promised, CountSlots(BeforeStart(), promised), CountSlots(BeforeChange(), promised));
    Add(rule, absl::StrCat(promised), promised, existing, cause,
        existing == 0 ? "there is no good backup" : Quantity(existing, "good backup", "good backups"));
  }

  void CheckPeriods(const PeriodRule& rule) {
    std::set<absl::CivilDay> periods;
    for (const absl::Time time : history_.good) periods.insert(rule.first_day(absl::ToCivilDay(time, zone_)));
    const auto existing = static_cast<int64_t>(periods.size());
    if (existing >= rule.count) return;
    const v1::ShortfallCause cause =
        CauseOf(rule.count, CountPeriods(rule, BeforeStart()), CountPeriods(rule, BeforeChange()));
    Add(rule.name, absl::StrCat(rule.count), rule.count, existing, cause,
        absl::StrCat(
            existing == 0 ? absl::StrCat("no ", rule.singular) : Quantity(existing, rule.singular, rule.plural),
            " a good backup"));
  }

  // The oldest good backup should be of the first slot that is young enough, or of the one after it.
  void CheckWithin(absl::Duration within) {
    const absl::Time first = schedule_.NextSlot(now_ - within);
    const absl::Duration grace = ToAbsl(history_.policy.spec().schedule().start_deadline());
    const absl::Time latest = schedule_.NextSlot(first) + grace;
    if (latest > now_ || oldest_ <= latest) return;
    const v1::ShortfallCause cause = start_ > latest    ? v1::POLICY_YOUNG
                                     : change_ > latest ? v1::POLICY_CHANGED
                                                        : v1::BACKUPS_MISSING;
    const absl::Duration reach = std::max(now_ - oldest_, absl::ZeroDuration());
    Add("keepWithin", backup::FormatDuration(within), absl::ToInt64Seconds(within), absl::ToInt64Seconds(reach), cause,
        history_.good.empty() ? "there is no good backup"
                              : absl::StrCat("the oldest good backup is of ", FormatRfc3339(oldest_)));
  }

  // So that a slot at that very time counts.
  absl::Time BeforeStart() const { return start_ - absl::Nanoseconds(1); }
  absl::Time BeforeChange() const { return change_ - absl::Nanoseconds(1); }

  const PolicyHistory& history_;
  const Schedule& schedule_;
  const absl::TimeZone zone_;
  const absl::Time now_;
  const absl::Time oldest_;  // Good backup; InfiniteFuture for none.
  const absl::Time start_;   // Since when it could bring backups. A backup may be older than what the ledger still has.
  const absl::Time change_;  // Since when it has been as it is.
  std::vector<v1::RetentionShortfall> shortfalls_;
};

}  // namespace

std::vector<v1::RetentionShortfall> FindShortfalls(const PolicyHistory& history, absl::Time now) {
  const v1::ScheduleSpec& spec = history.policy.spec().schedule();
  const absl::StatusOr<Schedule> schedule = Schedule::Create(spec);
  const absl::StatusOr<absl::TimeZone> zone = FindTimeZone(spec.time_zone());
  if (!schedule.ok() || !zone.ok()) return {};
  return ComplianceCheck(history, *schedule, *zone, now).Run();
}

}  // namespace backup::server
