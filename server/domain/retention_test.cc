// SPDX-License-Identifier: Apache-2.0
#include "server/domain/retention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "base/proto_json.h"

namespace backup::server {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

const absl::Time kNow = absl::FromUnixSeconds(1795435200);  // 2026-11-23T12:00:00Z, a Monday.

// The names of what goes.
std::vector<std::string> Going(const RetentionPlan& plan) {
  std::vector<std::string> names;
  for (const RetentionDecision& decision : plan.decisions) {
    if (decision.keep.empty()) {
      names.push_back(decision.backup);
    }
  }
  return names;
}

class RetentionTest : public ::testing::Test {
 protected:
  // A good backup of so long ago, the newest by sequence.
  RetainedBackup& Add(absl::Duration age, const std::string& name) {
    RetainedBackup backup;
    backup.name = name;
    backup.sequence = static_cast<int64_t>(state_.backups.size()) + 1;
    backup.snapshot_time = kNow - age;
    backup.size_bytes = 100;
    state_.backups.push_back(backup);
    return state_.backups.back();
  }
  // `count` good ones, one each day, the newest an hour ago; named d0 (the newest), d1 and so on.
  void AddDays(int count) {
    for (int i = count - 1; i >= 0; --i) {
      Add(absl::Hours(24 * i + 1), absl::StrCat("d", i));
    }
  }
  RetentionPlan Plan() const { return PlanRetention(state_, spec_, zone_, kNow); }
  std::vector<KeepRule> RulesOf(const std::string& name) const {
    const RetentionPlan plan = Plan();
    const auto decision = std::find_if(plan.decisions.begin(), plan.decisions.end(),
                                       [&](const RetentionDecision& candidate) { return candidate.backup == name; });
    return decision == plan.decisions.end() ? std::vector<KeepRule>() : decision->keep;
  }

  RetentionState state_;
  v1::RetentionSpec spec_;
  absl::TimeZone zone_ = absl::UTCTimeZone();
};

TEST_F(RetentionTest, KeepsWhatIsYoung) {
  AddDays(10);
  *spec_.mutable_keep_within() = ToProto(absl::Hours(24 * 8));
  EXPECT_THAT(Going(Plan()), ElementsAre("d9", "d8"));
}

TEST_F(RetentionTest, KeepsTheLastOnes) {
  AddDays(6);
  spec_.set_keep_last(4);
  EXPECT_THAT(Going(Plan()), ElementsAre("d5", "d4"));
}

TEST_F(RetentionTest, KeepsTheLastOfEachDayWeekMonthAndYear) {
  Add(absl::Hours(24 * 400), "old year");
  Add(absl::Hours(24 * 60), "two months");
  Add(absl::Hours(24 * 29), "month, early");
  Add(absl::Hours(24 * 25), "month");
  Add(absl::Hours(24 * 8), "week");
  Add(absl::Hours(11), "today, early");
  Add(absl::Hours(1), "today");
  spec_.set_keep_daily(2);
  spec_.set_keep_weekly(2);
  spec_.set_keep_monthly(3);
  spec_.set_keep_yearly(2);

  EXPECT_THAT(RulesOf("today"), UnorderedElementsAre(KeepRule::kNewestGood, KeepRule::kMinimumGood, KeepRule::kDaily,
                                                     KeepRule::kWeekly, KeepRule::kMonthly, KeepRule::kYearly));
  EXPECT_THAT(RulesOf("week"), UnorderedElementsAre(KeepRule::kDaily, KeepRule::kWeekly));
  EXPECT_THAT(RulesOf("month"), ElementsAre(KeepRule::kMonthly)) << "2026-10-29";
  EXPECT_THAT(RulesOf("two months"), ElementsAre(KeepRule::kMonthly));
  EXPECT_THAT(RulesOf("old year"), ElementsAre(KeepRule::kYearly));
  EXPECT_THAT(Going(Plan()), ElementsAre("month, early", "today, early"));
}

TEST_F(RetentionTest, ADayIsOneOfThePolicysZone) {
  Add(absl::Hours(13), "23:00 UTC");  // The same day as the next in Berlin, another one in UTC.
  Add(absl::Hours(11), "01:00 UTC");
  Add(absl::Hours(1), "11:00 UTC");
  spec_.set_keep_daily(2);
  EXPECT_THAT(Going(Plan()), ElementsAre("01:00 UTC"));
  ASSERT_TRUE(absl::LoadTimeZone("Europe/Berlin", &zone_));
  EXPECT_THAT(Going(Plan()), ElementsAre("23:00 UTC", "01:00 UTC"));
}

TEST_F(RetentionTest, OnlyGoodOnesCount) {
  AddDays(6);
  state_.backups[4].state = v1::SUSPICIOUS;  // d1
  spec_.set_keep_last(2);
  spec_.set_minimum_good(2);
  EXPECT_THAT(RulesOf("d2"), Contains(KeepRule::kLast));
  EXPECT_THAT(RulesOf("d1"), ElementsAre(KeepRule::kNotReplaced));
  state_.backups[1].state = v1::BAD;  // d4
  EXPECT_THAT(RulesOf("d4"), IsEmpty());
}

TEST_F(RetentionTest, TheNewestGoodTheNewestProvenTheHeldAndTheUsedStay) {
  AddDays(8);
  spec_.set_keep_last(1);
  spec_.set_minimum_good(1);
  state_.backups[0].held = true;
  state_.backups[1].in_use = true;
  state_.backups[2].proven = true;
  state_.backups[4].proven = true;
  EXPECT_THAT(Going(Plan()), ElementsAre("d5", "d4", "d2", "d1"));
  EXPECT_THAT(RulesOf("d7"), ElementsAre(KeepRule::kHeld));
  EXPECT_THAT(RulesOf("d6"), ElementsAre(KeepRule::kInUse));
  EXPECT_THAT(RulesOf("d3"), ElementsAre(KeepRule::kNewestProven));
  for (RetainedBackup& backup : state_.backups) {
    backup.state = v1::BAD;
  }
  EXPECT_THAT(Going(Plan()), IsEmpty()) << "nothing good followed them";
}

TEST_F(RetentionTest, MinimumGoodOnesStayHoweverOldTheyAre) {
  AddDays(4);
  for (RetainedBackup& backup : state_.backups) {
    backup.snapshot_time -= absl::Hours(24 * 1000);
  }
  *spec_.mutable_keep_within() = ToProto(absl::Hours(1));
  spec_.set_minimum_good(3);
  EXPECT_THAT(Going(Plan()), ElementsAre("d3"));
}

TEST_F(RetentionTest, TheOldestGoWhenThereIsNoRoom) {
  AddDays(6);
  state_.backups[0].held = true;
  spec_.set_keep_last(6);
  spec_.set_minimum_good(2);
  spec_.set_max_total_bytes(450);
  EXPECT_THAT(Going(Plan()), ElementsAre("d4", "d3"));
  EXPECT_FALSE(Plan().over_budget);
  spec_.set_max_total_bytes(200);
  EXPECT_THAT(Going(Plan()), ElementsAre("d4", "d3", "d2"));
  EXPECT_TRUE(Plan().over_budget);
}

TEST_F(RetentionTest, ABackupOfTheFutureStaysCountsForNoTimeAndFreezes) {
  AddDays(3);
  state_.backups[2].snapshot_time = kNow + absl::Hours(24 * 365);
  spec_.set_keep_daily(1);
  spec_.set_minimum_good(1);
  EXPECT_THAT(RulesOf("d0"), Contains(KeepRule::kFutureDated));
  EXPECT_THAT(RulesOf("d1"), ElementsAre(KeepRule::kDaily));
  *spec_.mutable_keep_within() = ToProto(absl::Hours(1));
  EXPECT_THAT(RulesOf("d0"), Not(Contains(KeepRule::kWithin)));
  spec_.clear_keep_within();
  EXPECT_THAT(Plan().frozen, ElementsAre(FreezeReason::kClock));
  state_.backups[2].snapshot_time = kNow + absl::Minutes(5);
  EXPECT_THAT(Plan().frozen, Not(Contains(FreezeReason::kClock))) << "clocks of two hosts differ a little";
}

TEST_F(RetentionTest, IsFrozenWhileSomethingIsWrong) {
  AddDays(10);
  spec_.set_keep_last(8);
  EXPECT_THAT(Plan().frozen, IsEmpty());
  state_.last_run_failed = true;
  EXPECT_THAT(Plan().frozen, ElementsAre(FreezeReason::kLastRunFailed));
  state_.last_run_failed = false;
  state_.backups.back().state = v1::SUSPICIOUS;
  EXPECT_THAT(Plan().frozen, ElementsAre(FreezeReason::kLastBackupNotGood));
  state_.backups.back().state = v1::GOOD;
  spec_.set_keep_last(5);
  EXPECT_THAT(Plan().frozen, IsEmpty()) << "half";
  spec_.set_keep_last(4);
  EXPECT_THAT(Plan().frozen, ElementsAre(FreezeReason::kTooMuch));
}

TEST_F(RetentionTest, NothingIsNothing) {
  spec_.set_keep_last(1);
  EXPECT_THAT(Plan().decisions, IsEmpty());
  EXPECT_THAT(Plan().frozen, IsEmpty());
}

// A second opinion, as naive as can be: for each backup alone, by the words of the rules.
class Naive {
 public:
  Naive(const RetentionState& state, const v1::RetentionSpec& spec, const absl::TimeZone& zone, absl::Time now)
      : state_(state), spec_(spec), zone_(zone), now_(now) {}

  std::set<std::string> Going() const {
    std::set<std::string> going;
    std::vector<const RetainedBackup*> by_rule_only;
    int64_t total = 0;
    for (const RetainedBackup& backup : state_.backups) {
      const bool stays = StaysAnyway(backup);
      if (!stays && !ARuleKeeps(backup)) {
        going.insert(backup.name);
        continue;
      }
      total += backup.size_bytes;
      if (!stays) by_rule_only.push_back(&backup);
    }
    for (const RetainedBackup* backup : by_rule_only) {
      if (spec_.max_total_bytes() > 0 && total > spec_.max_total_bytes()) {
        going.insert(backup->name);
        total -= backup->size_bytes;
      }
    }
    return going;
  }

 private:
  int GoodAfter(const RetainedBackup& backup, bool only_proven = false) const {
    return static_cast<int>(std::count_if(state_.backups.begin(), state_.backups.end(), [&](const auto& other) {
      return other.sequence > backup.sequence && other.state == v1::GOOD && (!only_proven || other.proven);
    }));
  }
  bool IsOfTheFuture(const RetainedBackup& backup) const { return backup.snapshot_time - now_ > absl::Minutes(10); }

  bool StaysAnyway(const RetainedBackup& backup) const {
    const int minimum = std::max(spec_.minimum_good(), 1);
    if (backup.held || backup.in_use || IsOfTheFuture(backup) || GoodAfter(backup) < minimum) return true;
    return backup.state == v1::GOOD && backup.proven && GoodAfter(backup, true) == 0;
  }
  bool ARuleKeeps(const RetainedBackup& backup) const {
    if (backup.state != v1::GOOD) return false;
    if (GoodAfter(backup) < spec_.keep_last()) return true;
    if (IsOfTheFuture(backup)) return false;
    if (spec_.has_keep_within() && now_ - backup.snapshot_time < ToAbsl(spec_.keep_within())) return true;
    return IsLastOf(backup, spec_.keep_daily(), "%Y-%m-%d") || IsLastOf(backup, spec_.keep_weekly(), "%G-%V") ||
           IsLastOf(backup, spec_.keep_monthly(), "%Y-%m") || IsLastOf(backup, spec_.keep_yearly(), "%Y");
  }
  // Periods by the C library's own reckoning of weeks.
  std::string PeriodOf(const RetainedBackup& backup, const char* format) const {
    const std::tm tm = absl::ToTM(backup.snapshot_time, zone_);
    char text[32];
    std::strftime(text, sizeof(text), format, &tm);
    return text;
  }
  bool IsLastOf(const RetainedBackup& backup, int count, const char* format) const {
    std::set<std::string> later;
    for (const RetainedBackup& other : state_.backups) {
      if (other.sequence > backup.sequence && other.state == v1::GOOD && !IsOfTheFuture(other)) {
        later.insert(PeriodOf(other, format));
      }
    }
    return !later.contains(PeriodOf(backup, format)) && static_cast<int>(later.size()) < count;
  }

  const RetentionState& state_;
  const v1::RetentionSpec& spec_;
  const absl::TimeZone zone_;
  const absl::Time now_;
};

// Histories of all kinds: several backups a day and long pauses, clocks that were wrong, states, holds.
class RetentionHistory {
 public:
  explicit RetentionHistory(uint32_t seed) : random_(seed) {}

  int Below(int limit) { return static_cast<int>(random_() % static_cast<uint32_t>(limit)); }
  bool OneIn(int n) { return Below(n) == 0; }

  RetentionState State() {
    RetentionState state;
    const int count = Below(60);
    absl::Time time = kNow - absl::Hours(Below(24 * 900));
    for (int i = 0; i < count; ++i) {
      time += absl::Minutes(OneIn(3) ? Below(60 * 24 * 40) : Below(60 * 30));
      RetainedBackup backup;
      backup.name = absl::StrCat("b", i);
      backup.sequence = i * 3 + 1;
      backup.snapshot_time = OneIn(15) ? time + absl::Hours(Below(24 * 400) - 24 * 200) : time;
      backup.size_bytes = Below(1000);
      backup.state = OneIn(6) ? v1::SUSPICIOUS : OneIn(6) ? v1::BAD : v1::GOOD;
      backup.proven = OneIn(5);
      backup.held = OneIn(12);
      backup.in_use = OneIn(20);
      state.backups.push_back(backup);
    }
    state.last_run_failed = OneIn(4);
    return state;
  }
  v1::RetentionSpec Spec() {
    v1::RetentionSpec spec;
    if (OneIn(2)) *spec.mutable_keep_within() = ToProto(absl::Hours(Below(24 * 60) + 1));
    if (OneIn(2)) spec.set_keep_last(Below(8));
    if (OneIn(2)) spec.set_keep_daily(Below(15));
    if (OneIn(2)) spec.set_keep_weekly(Below(8));
    if (OneIn(2)) spec.set_keep_monthly(Below(14));
    if (OneIn(2)) spec.set_keep_yearly(Below(4));
    if (OneIn(3)) spec.set_max_total_bytes(Below(15000) + 1);
    spec.set_minimum_good(Below(4) + 1);
    return spec;
  }
  absl::TimeZone Zone() {
    constexpr const char* kZones[] = {"UTC", "Europe/Berlin", "Pacific/Kiritimati", "America/St_Johns"};
    absl::TimeZone zone;
    absl::LoadTimeZone(kZones[Below(4)], &zone);
    return zone;
  }

 private:
  std::mt19937 random_;
};

TEST(RetentionPropertyTest, TenThousandHistoriesAgreeWithTheRulesTakenOneByOne) {
  for (uint32_t seed = 1; seed <= 10000; ++seed) {
    RetentionHistory history(seed);
    RetentionState state = history.State();
    const v1::RetentionSpec spec = history.Spec();
    const absl::TimeZone zone = history.Zone();
    const absl::Time now = state.backups.empty() ? kNow : state.backups.back().snapshot_time + absl::Hours(2);

    const RetentionPlan plan = PlanRetention(state, spec, zone, now);

    const std::vector<std::string> going = Going(plan);
    ASSERT_EQ(std::set<std::string>(going.begin(), going.end()), Naive(state, spec, zone, now).Going()) << seed;
    const auto good_count = [&state] {
      return std::count_if(state.backups.begin(), state.backups.end(),
                           [](const RetainedBackup& backup) { return backup.state == v1::GOOD; });
    };
    const auto good_before = good_count();
    std::erase_if(state.backups, [&](const RetainedBackup& backup) {
      return std::find(going.begin(), going.end(), backup.name) != going.end();
    });
    ASSERT_GE(good_count(), std::min<int64_t>(good_before, spec.minimum_good())) << seed;
    ASSERT_THAT(Going(PlanRetention(state, spec, zone, now)), IsEmpty()) << "a second pass, seed " << seed;
  }
}

}  // namespace
}  // namespace backup::server
