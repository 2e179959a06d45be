// SPDX-License-Identifier: Apache-2.0
#include "server/domain/retention_simulation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/proto_json.h"
#include "server/domain/exclusions.h"
#include "server/domain/planning.h"
#include "server/domain/retention.h"
#include "server/domain/schedule.h"
#include "server/domain/test_data.h"
#include "server/domain/time_zone.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::At;
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::NightlyPolicy;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr absl::Duration kStartDeadline = absl::Hours(7);

class RetentionSimulationTest : public ::testing::Test {
 protected:
  static constexpr absl::Duration kDay = absl::Hours(24);

  RetentionSimulationTest() {
    today_.policy = NightlyPolicy();
    today_.policy.mutable_spec()->clear_retention();
    spec().mutable_retention()->set_minimum_good(1);
    today_.now = At("2026-11-23T12:00:00Z");
  }

  v1::PolicySpec& spec() { return *today_.policy.mutable_spec(); }
  v1::RetentionSpec& retention() { return *spec().mutable_retention(); }
  // A good backup of 100 bytes, of so long ago: the newest by sequence.
  v1::Backup& Add(const std::string& id, absl::Duration age) {
    v1::Backup& backup = today_.backups.emplace_back();
    backup.set_name("backups/" + id);
    backup.set_state(v1::GOOD);
    backup.set_size_bytes(100);
    backup.set_sequence(static_cast<int64_t>(today_.backups.size()));
    *backup.mutable_snapshot_time() = ToProto(today_.now - age);
    return backup;
  }
  v1::RetentionSimulation Simulate(int days) const {
    const auto simulation = SimulateRetention(today_, days * kDay);
    EXPECT_THAT(simulation, IsOk());
    return simulation.value_or(v1::RetentionSimulation());
  }
  // Days until the backup goes; -1 for not within `days`.
  double DaysUntilGone(const std::string& id, int days = 400) const {
    const auto forecast = ForecastDeletion(today_, "backups/" + id, days * kDay);
    EXPECT_THAT(forecast, IsOk());
    if (!forecast.ok() || forecast->delete_time == absl::InfiniteFuture()) return -1;
    return absl::FDivDuration(forecast->delete_time - today_.now, kDay);
  }
  // "2026-11-25 keepLast": the day and the rules, the newest first.
  static std::vector<std::string> Lines(const v1::RetentionSimulation& simulation) {
    std::vector<std::string> lines;
    for (const v1::SimulatedBackup& backup : simulation.backups()) {
      lines.push_back(absl::StrCat(absl::FormatTime("%Y-%m-%d ", ToAbsl(backup.snapshot_time()), absl::UTCTimeZone()),
                                   absl::StrJoin(backup.reasons(), ", ")));
    }
    return lines;
  }

  RetentionToday today_;
};

TEST_F(RetentionSimulationTest, SaysWhatWillExistAndWhy) {
  retention().set_keep_daily(2);
  retention().set_keep_weekly(2);
  Add("old", absl::Hours(20));

  const v1::RetentionSimulation simulation = Simulate(10);

  EXPECT_THAT(Lines(simulation), ElementsAre("2026-12-02 newest good, minimumGood, keepDaily, keepWeekly",
                                             "2026-12-01 keepDaily", "2026-11-29 keepWeekly"));
  EXPECT_EQ(simulation.policy(), "policies/nightly");
  EXPECT_EQ(simulation.start_count(), 1);
  EXPECT_EQ(simulation.made_count(), 10);
  EXPECT_EQ(simulation.deleted_count(), 8);
  EXPECT_EQ(simulation.backup_count(), 3);
  EXPECT_EQ(simulation.total_bytes(), 300);
  EXPECT_EQ(simulation.peak_count(), 4) << "a new one is there before an old one goes";
  EXPECT_EQ(simulation.peak_bytes(), 400);
  EXPECT_EQ(simulation.assumed_size_bytes(), 100);
  EXPECT_EQ(simulation.backups(0).backup(), "");
  EXPECT_THAT(simulation.freezes(), IsEmpty());
}

TEST_F(RetentionSimulationTest, WhatExistsTodayKeepsItsName) {
  retention().set_keep_yearly(5);
  retention().set_keep_daily(1);
  Add("old", 400 * kDay);
  const v1::RetentionSimulation simulation = Simulate(3);
  EXPECT_THAT(Lines(simulation),
              ElementsAre("2026-11-25 newest good, minimumGood, keepDaily, keepYearly", "2025-10-19 keepYearly"));
  EXPECT_EQ(simulation.backups(1).backup(), "backups/old");
}

TEST_F(RetentionSimulationTest, NewOnesAreAsLargeAsTheNewestGoodOne) {
  retention().set_keep_last(2);
  Add("larger", 3 * kDay).set_size_bytes(700);
  Add("good", 2 * kDay).set_size_bytes(300);
  Add("bad", kDay).set_size_bytes(5);
  today_.backups.back().set_state(v1::BAD);
  EXPECT_EQ(Simulate(30).total_bytes(), 600);
  today_.backups.clear();
  EXPECT_EQ(Simulate(30).total_bytes(), 0);
  EXPECT_EQ(Simulate(30).assumed_size_bytes(), 0);
  EXPECT_EQ(Simulate(30).backup_count(), 2);
  today_.other_size_bytes = 40;
  EXPECT_EQ(Simulate(30).total_bytes(), 80) << "what another policy made of the database";
}

TEST_F(RetentionSimulationTest, WhatGoesByItsAgeGoesAtTheNextPass) {
  *retention().mutable_keep_within() = ToProto(7 * kDay);
  spec().mutable_schedule()->set_cron("0 22 1 * *");  // Monthly: no slot for eight days.
  Add("a", 3 * kDay);
  Add("b", 2 * kDay);
  Add("c", kDay);
  EXPECT_EQ(DaysUntilGone("a"), 4.0);
  EXPECT_EQ(DaysUntilGone("b"), 5.0);
  EXPECT_NEAR(DaysUntilGone("c"), 8.4, 0.1) << "the newest good one until the next slot";
}

TEST_F(RetentionSimulationTest, HoldsEndWhenTheyEnd) {
  retention().set_keep_last(1);
  Add("kept for good", 20 * kDay).mutable_hold()->set_reason("audit");
  *Add("kept a while", 10 * kDay).mutable_hold()->mutable_expire_time() = ToProto(today_.now + absl::Hours(84));
  Add("free", kDay);
  EXPECT_EQ(DaysUntilGone("kept for good"), -1);
  EXPECT_EQ(DaysUntilGone("kept a while"), 3.5);
  EXPECT_NEAR(DaysUntilGone("free"), 0.4, 0.1);
}

// At the slot two of three would go, which is more than half; but one goes before it.
TEST_F(RetentionSimulationTest, AHoldThatEndsBeforeTheSlotIsNotCountedWithWhatTheSlotReleases) {
  retention().set_keep_last(1);
  *Add("held", 10 * kDay).mutable_hold()->mutable_expire_time() = ToProto(today_.now + absl::Minutes(2));
  Add("newest", kDay);
  EXPECT_EQ(DaysUntilGone("held"), 1.0 / 24);
  EXPECT_NEAR(DaysUntilGone("newest"), 0.4, 0.1);
}

TEST_F(RetentionSimulationTest, SaysSinceWhenWhatIsFrozenIsNotKeptAndWhy) {
  retention().set_keep_last(1);
  Add("oldest", 12 * kDay);
  *Add("held", 10 * kDay).mutable_hold()->mutable_expire_time() = ToProto(today_.now + absl::Hours(30));
  Add("newest", kDay);
  today_.backups.front().mutable_hold()->set_reason("audit");
  today_.backups.front().mutable_hold()->clear_expire_time();

  const auto held = ForecastDeletion(today_, "backups/held", 100 * kDay);
  const auto oldest = ForecastDeletion(today_, "backups/oldest", 100 * kDay);
  *today_.backups.front().mutable_hold()->mutable_expire_time() = ToProto(today_.now + absl::Hours(30));
  *retention().mutable_keep_within() = ToProto(absl::Hours(48));  // Of "newest", to the same hour.
  today_.backups.back().mutable_snapshot_time()->CopyFrom(ToProto(today_.now - absl::Hours(18)));
  const auto together = ForecastDeletion(today_, "backups/held", 100 * kDay);

  ASSERT_THAT(held, IsOk());
  EXPECT_EQ(held->delete_time, today_.now + absl::Hours(30));
  EXPECT_EQ(held->unkept_time, absl::InfiniteFuture());
  ASSERT_THAT(oldest, IsOk());
  EXPECT_EQ(oldest->unkept_time, absl::InfiniteFuture()) << "it is held";
  ASSERT_THAT(together, IsOk());
  EXPECT_EQ(together->delete_time, absl::InfiniteFuture());
  EXPECT_EQ(together->unkept_time, today_.now + absl::Hours(30));
  EXPECT_THAT(together->frozen, ElementsAre(FreezeReason::kTooMuch));
}

TEST_F(RetentionSimulationTest, NotDuringIsObeyed) {
  retention().set_keep_last(3);
  v1::ExclusionWindow& window = *spec().mutable_schedule()->add_not_during();
  window.set_cron("0 12 * * 1-5");
  *window.mutable_duration() = ToProto(absl::Hours(23));
  const v1::RetentionSimulation simulation = Simulate(14);
  EXPECT_EQ(simulation.made_count(), 4) << "those of Saturdays and Sundays";
  EXPECT_EQ(Lines(simulation).front(), "2026-12-06 newest good, minimumGood, keepLast");
}

TEST_F(RetentionSimulationTest, DrillsMoveTheNewestProven) {
  retention().set_keep_last(1);
  Add("proven", kDay).set_verification_level(v1::RESTORED);
  EXPECT_EQ(DaysUntilGone("proven"), -1) << "nothing proves another one";
  spec().mutable_drill()->set_cron("0 4 1 * *");
  EXPECT_NEAR(DaysUntilGone("proven"), 7.67, 0.01) << "once the drill of December 1st has proven a newer one";
}

TEST_F(RetentionSimulationTest, AFailedLastRunAndABadNewestBackupFreezeUntilTheNextSlot) {
  retention().set_keep_last(3);
  for (int i = 5; i > 0; --i) Add(absl::StrCat("b", i), i * kDay);
  today_.backups.back().set_state(v1::SUSPICIOUS);
  today_.last_run_failed = true;

  const v1::RetentionSimulation simulation = Simulate(5);

  ASSERT_EQ(simulation.freezes_size(), 2);
  EXPECT_EQ(simulation.freezes(0).reason(), "the last backup run brought no backup");
  EXPECT_EQ(simulation.freezes(1).reason(), "the newest backup is not good");
  EXPECT_EQ(ToAbsl(simulation.freezes(1).last_time()), today_.now);
  EXPECT_FALSE(simulation.freezes(1).lasting());
  EXPECT_NEAR(DaysUntilGone("b5"), 0.4, 0.1);
}

TEST_F(RetentionSimulationTest, WhatWouldDeleteMoreThanHalfStaysFrozen) {
  retention().set_keep_last(2);
  for (int i = 30; i > 0; --i) Add(absl::StrCat("b", i), i * kDay);

  const v1::RetentionSimulation simulation = Simulate(10);

  ASSERT_EQ(simulation.freezes_size(), 1);
  EXPECT_EQ(simulation.freezes(0).reason(), "more than half of the backups would go at once");
  EXPECT_TRUE(simulation.freezes(0).lasting());
  EXPECT_EQ(ToAbsl(simulation.freezes(0).first_time()), today_.now);
  EXPECT_EQ(ToAbsl(simulation.freezes(0).last_time()), today_.now + 10 * kDay);
  EXPECT_EQ(simulation.backup_count(), 40);
  EXPECT_EQ(Lines(simulation).back(), "2026-10-24 no rule keeps it, and nothing may be deleted");
  EXPECT_EQ(DaysUntilGone("b30"), -1);
}

TEST_F(RetentionSimulationTest, AFutureDatedBackupFreezesUntilItsTimeHasCome) {
  retention().set_keep_last(15);
  for (int i = 20; i > 0; --i) Add(absl::StrCat("b", i), i * kDay);
  EXPECT_EQ(DaysUntilGone("b20"), 0.0);
  Add("future", -5 * kDay);
  EXPECT_EQ(DaysUntilGone("b20"), 5.0);
}

TEST_F(RetentionSimulationTest, WhatIsInUseIsSoOnlyNow) {
  retention().set_keep_last(3);
  for (int i = 4; i > 0; --i) Add(absl::StrCat("b", i), i * kDay);
  EXPECT_EQ(DaysUntilGone("b4"), 0.0);
  today_.in_use = {"backups/b4"};
  EXPECT_EQ(DaysUntilGone("b4"), 1.0 / 24) << "the pass after";
}

TEST_F(RetentionSimulationTest, WhatIsBeingDeletedIsGone) {
  retention().set_keep_last(3);
  Add("going", 2 * kDay).set_state(v1::DELETING);
  Add("gone", 2 * kDay).set_state(v1::DELETED);
  Add("good", kDay);
  EXPECT_EQ(Simulate(0).backup_count(), 1);
}

TEST_F(RetentionSimulationTest, APauseIsNotLookedAt) {
  retention().set_keep_last(3);
  spec().mutable_schedule()->set_paused(true);
  EXPECT_EQ(Simulate(10).made_count(), 10);
}

TEST_F(RetentionSimulationTest, RefusesWhatIsTooMuchWork) {
  *retention().mutable_keep_within() = ToProto(100 * kDay);
  spec().mutable_schedule()->clear_cron();
  *spec().mutable_schedule()->mutable_every() = ToProto(absl::Minutes(1));
  Add("b", kDay);

  const auto simulation = SimulateRetention(today_, 400 * kDay, 100'000);
  EXPECT_THAT(simulation, HasReason("SIMULATION_TOO_LARGE"));
  EXPECT_THAT(std::string(simulation.status().message()), HasSubstr("400 days ahead is too much work"));

  const auto forecast = ForecastDeletion(today_, "backups/b", 400 * kDay, 100'000);
  ASSERT_THAT(forecast, IsOk()) << "says how far it came instead";
  EXPECT_EQ(forecast->delete_time, absl::InfiniteFuture());
  EXPECT_LT(forecast->simulated_until, today_.now + kDay);
}

TEST_F(RetentionSimulationTest, OfVeryManyBackupsTheOldestAreListed) {
  *retention().mutable_keep_within() = ToProto(4000 * kDay);
  spec().mutable_schedule()->set_cron("0 * * * *");
  const v1::RetentionSimulation simulation = Simulate(500);
  EXPECT_EQ(simulation.backup_count(), 12000);
  ASSERT_EQ(simulation.backups_size(), 10000);
  EXPECT_EQ(ToAbsl(simulation.backups(9999).snapshot_time()), today_.now + absl::Hours(1));
}

// Sizes as nobody has them must not wrap round.
TEST_F(RetentionSimulationTest, SumsOfBytesStopAtTheGreatest) {
  retention().set_keep_last(10);
  Add("huge", kDay).set_size_bytes(int64_t{1} << 62);
  EXPECT_EQ(Simulate(30).total_bytes(), std::numeric_limits<int64_t>::max());
}

// The start of the first slot that starts later than `after`, looked for minute by minute.
absl::Time NextStart(const Schedule& slots, const Exclusions& exclusions, absl::Time after) {
  absl::Time best = absl::InfiniteFuture();
  for (absl::Time slot = slots.NextSlot(after - absl::Hours(8)); slot < best; slot = slots.NextSlot(slot)) {
    absl::Time start = slot;
    const auto is_excluded = [&] { return !exclusions.Between(start, start + absl::Nanoseconds(1)).empty(); };
    while (start < slot + kStartDeadline && is_excluded()) start += absl::Minutes(1);
    if (start < slot + kStartDeadline && start > after) best = std::min(best, start);
  }
  return best;
}

// The same with PlanRetention applied at every hour and after every slot.
class NaiveSimulation {
 public:
  NaiveSimulation(const RetentionToday& today, absl::Duration span) {
    const v1::PolicySpec& spec = today.policy.spec();
    const absl::TimeZone zone = *FindTimeZone(spec.schedule().time_zone());
    const Schedule slots = *Schedule::Create(spec.schedule());
    const Exclusions exclusions = *Exclusions::Create(spec.schedule());
    const std::optional<Schedule> drills =
        spec.has_drill() ? std::optional(*Schedule::Create(DrillSchedule(spec))) : std::nullopt;
    RetentionState state;
    std::map<std::string, absl::Time> hold_ends;
    for (const v1::Backup& backup : today.backups) {
      RetainedBackup retained;
      retained.name = backup.name();
      retained.snapshot_time = ToAbsl(backup.snapshot_time());
      retained.size_bytes = backup.size_bytes();
      retained.state = backup.state();
      retained.proven = backup.verification_level() == v1::RESTORED;
      retained.in_use = today.in_use.contains(backup.name());
      hold_ends[backup.name()] = !backup.has_hold()                ? absl::InfinitePast()
                                 : backup.hold().has_expire_time() ? ToAbsl(backup.hold().expire_time())
                                                                   : absl::InfiniteFuture();
      state.backups.push_back(retained);
    }
    state.last_run_failed = today.last_run_failed;
    int64_t size = 0;
    for (const RetainedBackup& backup : state.backups) size = backup.state == v1::GOOD ? backup.size_bytes : size;
    const auto apply = [&](absl::Time now) {
      for (RetainedBackup& backup : state.backups) backup.held = hold_ends[backup.name] > now;
      peak = std::max(peak, state.backups.size());
      const RetentionPlan plan = PlanRetention(state, spec.retention(), zone, now);
      if (!plan.frozen.empty()) return;
      for (const RetentionDecision& decision : plan.decisions) {
        if (!decision.keep.empty()) continue;
        deleted[decision.backup] = now;
        std::erase_if(state.backups, [&](const RetainedBackup& b) { return b.name == decision.backup; });
      }
    };
    apply(today.now);
    for (RetainedBackup& backup : state.backups) backup.in_use = false;
    absl::Time drill = drills.has_value() ? NextStart(*drills, exclusions, today.now) : absl::InfiniteFuture();
    absl::Time start = NextStart(slots, exclusions, today.now);
    const absl::Time end = today.now + span;
    for (absl::Time pass = today.now + absl::Hours(1), time = today.now; time < end;) {
      time = std::min({start, pass, end});
      if (drill <= time) {
        drill = NextStart(*drills, exclusions, drill);
        const auto newest = std::find_if(state.backups.rbegin(), state.backups.rend(),
                                         [](const RetainedBackup& backup) { return backup.state == v1::GOOD; });
        if (newest != state.backups.rend()) newest->proven = true;
      }
      if (time == start) {
        start = NextStart(slots, exclusions, time);
        state.last_run_failed = false;
        RetainedBackup made;
        made.name = absl::StrCat("made at ", absl::FormatTime(time, absl::UTCTimeZone()));
        made.snapshot_time = time;
        made.size_bytes = size;
        state.backups.push_back(made);
        hold_ends[made.name] = absl::InfinitePast();
      }
      apply(time);
      if (time == pass) pass += absl::Hours(1);
    }
    for (const RetainedBackup& backup : state.backups) left.insert(left.begin(), backup.snapshot_time);
  }

  std::vector<absl::Time> left;  // Snapshot times of what is left, the newest first.
  std::map<std::string, absl::Time> deleted;
  size_t peak = 0;
};

// Policies and pasts of all kinds.
class SimulationCase {
 public:
  explicit SimulationCase(uint32_t seed) : random_(seed) {
    today.policy = NightlyPolicy();
    today.now = At("2026-03-20T12:34:56Z") + absl::Hours(Below(24 * 300));
    v1::PolicySpec& spec = *today.policy.mutable_spec();
    constexpr const char* kZones[] = {"UTC", "Europe/Berlin", "Pacific/Kiritimati", "America/St_Johns"};
    constexpr const char* kCrons[] = {"0 22 * * *", "5 */6 * * *", "30 2 * * 0", "0 3 1 * *", "17 1,13 * * 1-5"};
    spec.mutable_schedule()->set_time_zone(kZones[Below(4)]);
    spec.mutable_schedule()->set_cron(kCrons[Below(5)]);
    *spec.mutable_schedule()->mutable_start_deadline() = ToProto(kStartDeadline);
    if (OneIn(4)) {
      constexpr const char* kExcluded[] = {"0 20 * * *", "30 1 * * 0,3", "0 0-12 * * 6"};
      v1::ExclusionWindow& window = *spec.mutable_schedule()->add_not_during();
      window.set_cron(kExcluded[Below(3)]);
      *window.mutable_duration() = ToProto(absl::Minutes(Below(9 * 60) + 1));
    }
    if (OneIn(3)) spec.mutable_drill()->set_cron(OneIn(2) ? "0 4 1 * *" : "0 4 * * 3");
    v1::RetentionSpec& retention = *spec.mutable_retention();
    retention.Clear();
    if (OneIn(2)) *retention.mutable_keep_within() = ToProto(absl::Hours(Below(24 * 40) + 1));
    if (OneIn(2)) retention.set_keep_last(Below(8));
    if (OneIn(2)) retention.set_keep_daily(Below(12));
    if (OneIn(2)) retention.set_keep_weekly(Below(6));
    if (OneIn(2)) retention.set_keep_monthly(Below(5));
    if (OneIn(2)) retention.set_keep_yearly(Below(3));
    if (OneIn(4)) retention.set_max_total_bytes(Below(5000) + 1);
    retention.set_minimum_good(Below(4) + 1);
    absl::Time time = today.now - absl::Hours(Below(24 * 300));
    for (int i = Below(25); i > 0 && time < today.now; --i) AddBackup(time += absl::Minutes(Below(60 * 24 * 9)));
    today.last_run_failed = OneIn(5);
  }

  RetentionToday today;

 private:
  int Below(int limit) { return static_cast<int>(random_() % static_cast<uint32_t>(limit)); }
  bool OneIn(int n) { return Below(n) == 0; }
  void AddBackup(absl::Time time) {
    v1::Backup& backup = today.backups.emplace_back();
    backup.set_sequence(static_cast<int64_t>(today.backups.size()) * 2);
    backup.set_name(absl::StrCat("backups/b", backup.sequence()));
    const absl::Time snapshot = OneIn(15) ? time + absl::Hours(Below(24 * 60) - 24 * 40) : time;
    *backup.mutable_snapshot_time() = ToProto(snapshot);
    backup.set_size_bytes(Below(300));
    backup.set_state(OneIn(8) ? v1::SUSPICIOUS : OneIn(8) ? v1::BAD : v1::GOOD);
    if (OneIn(5)) backup.set_verification_level(v1::RESTORED);
    if (OneIn(8)) backup.mutable_hold()->set_reason("why");
    if (OneIn(8)) {
      *backup.mutable_hold()->mutable_expire_time() = ToProto(today.now + absl::Hours(Below(24 * 60)));
    }
    if (OneIn(12)) today.in_use.insert(backup.name());
  }

  std::mt19937 random_;
};

TEST(RetentionSimulationPropertyTest, RandomPoliciesAgreeWithOneStepAfterTheOther) {
  int deleted_count = 0;
  for (uint32_t seed = 1; seed <= 400; ++seed) {
    const RetentionToday today = SimulationCase(seed).today;
    const absl::Duration span = absl::Hours(24 * 50 + 5);
    const NaiveSimulation naive(today, span);

    const auto simulation = SimulateRetention(today, span);

    ASSERT_THAT(simulation, IsOk()) << seed;
    std::vector<absl::Time> left;
    for (const v1::SimulatedBackup& backup : simulation->backups()) left.push_back(ToAbsl(backup.snapshot_time()));
    ASSERT_EQ(left, naive.left) << seed;
    ASSERT_EQ(simulation->peak_count(), static_cast<int64_t>(naive.peak)) << seed;
    ASSERT_EQ(simulation->deleted_count(), static_cast<int64_t>(naive.deleted.size())) << seed;
    for (const v1::Backup& backup : today.backups) {
      const auto gone = naive.deleted.find(backup.name());
      const auto forecast = ForecastDeletion(today, backup.name(), span);
      ASSERT_THAT(forecast, IsOk());
      ASSERT_EQ(forecast->delete_time, gone == naive.deleted.end() ? absl::InfiniteFuture() : gone->second) << seed;
      deleted_count += gone == naive.deleted.end() ? 0 : 1;
    }
  }
  EXPECT_GT(deleted_count, 500) << "the cases must not be idle";
}

}  // namespace
}  // namespace backup::server
