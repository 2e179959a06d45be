// SPDX-License-Identifier: Apache-2.0
#include "server/domain/planning.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/units.h"
#include "server/domain/schedule.h"
#include "server/domain/test_data.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::At;
using ::backup::testing::DatabaseOf;
using ::backup::testing::EqualsProto;
using ::backup::testing::FakeRandom;
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::NightlyPolicy;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class PlanningTest : public ::testing::Test {
 protected:
  PlanningTest() {
    view_.policy = NightlyPolicy();
    *view_.policy->mutable_update_time() = ToProto(now_);
    view_.databases = {DatabaseOf("db1", "orders")};
  }

  PolicyChange Plan() {
    absl::StatusOr<PolicyChange> change = PlanRuns(view_, now_, random_);
    EXPECT_THAT(change, IsOk());
    return change.ok() ? *change : PolicyChange();
  }

  // The view after the change was made.
  void Apply(const PolicyChange& change) {
    std::vector<v1::Run> rows;
    for (const v1::Run& run : view_.scheduled_runs) {
      bool gone = false;
      for (const std::string& name : change.withdraw_runs) {
        gone = gone || name == run.name();
      }
      if (!gone) {
        rows.push_back(run);
      }
    }
    for (const v1::Run& updated : change.update_runs) {
      for (v1::Run& run : rows) {
        if (run.name() == updated.name()) {
          run = updated;
        }
      }
    }
    for (const v1::Run& run : change.create_runs) {
      KnownSlots& known = view_.known_slots[{run.kind(), run.database()}];
      known.last = std::max(known.last, ToAbsl(run.slot_time()));
      all_slots_.insert(ToAbsl(run.slot_time()));
      if (run.state() == v1::SCHEDULED) {
        rows.push_back(run);
      }
    }
    rows.insert(rows.end(), change.reopen_runs.begin(), change.reopen_runs.end());
    view_.scheduled_runs = rows;
    view_.ended_ahead.clear();
    if (change.planned) {
      view_.planned_time = now_;
    }
  }
  // Time goes on to then; known_slots are of all that Apply has seen, of one database and kind.
  void SetNow(const std::string& time) {
    now_ = At(time);
    for (auto& [key, known] : view_.known_slots) {
      const auto after = all_slots_.upper_bound(now_);
      known.last_due = after == all_slots_.begin() ? absl::InfinitePast() : *std::prev(after);
    }
  }

  static std::vector<std::string> Slots(const std::vector<v1::Run>& runs) {
    std::vector<std::string> slots;
    for (const v1::Run& run : runs) {
      slots.push_back(FormatRfc3339(ToAbsl(run.slot_time())));
    }
    return slots;
  }

  absl::Time now_ = At("2026-11-23T12:00:00Z");
  FakeRandom random_;
  PolicyView view_;
  std::set<absl::Time> all_slots_;
};

TEST_F(PlanningTest, MakesARowForEachSlotAheadAndTheFirstBeyond) {
  const PolicyChange change = Plan();
  EXPECT_THAT(Slots(change.create_runs), ElementsAre("2026-11-23T22:00:00Z", "2026-11-24T22:00:00Z"));
  EXPECT_THAT(change.withdraw_runs, IsEmpty());
  EXPECT_THAT(change.update_runs, IsEmpty());
  EXPECT_THAT(change.events, IsEmpty());
  EXPECT_FALSE(change.put_policy.has_value());
}

TEST_F(PlanningTest, ARowSaysAllThatTheAgentNeeds) {
  *view_.policy->mutable_spec()->mutable_schedule()->mutable_jitter() = ToProto(absl::Minutes(10));
  v1::Run run = Plan().create_runs.at(0);
  EXPECT_THAT(run.name(), ::testing::MatchesRegex("runs/[0-9a-z]{10}"));
  EXPECT_EQ(ToAbsl(run.not_before_time()),
            At("2026-11-23T22:00:00Z") + Jitter("policies/nightly", "agents/db1/databases/orders", absl::Minutes(10)));
  run.clear_name();
  run.clear_not_before_time();
  v1::Run expected = testing::FromText<v1::Run>(R"pb(
    kind: BACKUP
    database: "agents/db1/databases/orders"
    policy: "policies/nightly"
    state: SCHEDULED
    epoch: 1
    spec { overlap: SKIP })pb");
  *expected.mutable_slot_time() = ToProto(At("2026-11-23T22:00:00Z"));
  *expected.mutable_start_deadline_time() = ToProto(At("2026-11-24T04:00:00Z"));
  *expected.mutable_create_time() = ToProto(now_);
  *expected.mutable_spec()->mutable_dump() = view_.policy->spec().dump();
  *expected.mutable_spec()->mutable_verify() = view_.policy->spec().verify();
  EXPECT_THAT(run, EqualsProto(expected));
}

TEST_F(PlanningTest, ASecondPlanChangesNothing) {
  Apply(Plan());
  const PolicyChange again = Plan();
  EXPECT_THAT(again.create_runs, IsEmpty());
  EXPECT_THAT(again.update_runs, IsEmpty());
  EXPECT_THAT(again.withdraw_runs, IsEmpty());
}

TEST_F(PlanningTest, ARowThatWasReadBackIsUpToDate) {
  // The catalog keeps microseconds, and may drop messages that say nothing.
  view_.policy->mutable_spec()->mutable_schedule()->mutable_start_deadline()->set_nanos(1);
  Apply(Plan());
  for (v1::Run& run : view_.scheduled_runs) {
    EXPECT_EQ(run.start_deadline_time().nanos() % 1000, 0);
    run.mutable_spec()->clear_verify();
  }
  EXPECT_THAT(Plan().update_runs, IsEmpty());
}

TEST_F(PlanningTest, PlansEveryCoveredDatabaseAndNoOther) {
  view_.databases = {DatabaseOf("db1", "orders"), DatabaseOf("db1", "orders_tmp"), DatabaseOf("db2", "orders")};
  view_.policy->mutable_spec()->mutable_databases(0)->add_exclude("*_tmp");
  std::set<std::string> databases;
  std::set<std::string> names;
  for (const v1::Run& run : Plan().create_runs) {
    databases.insert(run.database());
    names.insert(run.name());
  }
  EXPECT_THAT(databases, UnorderedElementsAre("agents/db1/databases/orders", "agents/db2/databases/orders"));
  EXPECT_THAT(names, SizeIs(4));
}

TEST_F(PlanningTest, ARareScheduleStillHasItsNextSlot) {
  view_.policy->mutable_spec()->mutable_schedule()->set_cron("0 0 29 2 *");
  EXPECT_THAT(Slots(Plan().create_runs), ElementsAre("2028-02-29T00:00:00Z"));
}

TEST_F(PlanningTest, AnotherScheduleWithdrawsAndMakesRows) {
  Apply(Plan());
  view_.policy->mutable_spec()->mutable_schedule()->set_cron("0 3 * * *");
  const PolicyChange change = Plan();
  EXPECT_THAT(change.withdraw_runs, SizeIs(2));
  EXPECT_THAT(Slots(change.create_runs), ElementsAre("2026-11-24T03:00:00Z", "2026-11-25T03:00:00Z"));
}

TEST_F(PlanningTest, ADatabaseThatIsGoneLosesItsFutureRows) {
  Apply(Plan());
  view_.databases.clear();
  const PolicyChange change = Plan();
  EXPECT_THAT(change.withdraw_runs, SizeIs(2));
  EXPECT_THAT(change.create_runs, IsEmpty());
}

TEST_F(PlanningTest, ARowThatIsDueIsNeverWithdrawn) {
  Apply(Plan());
  now_ = At("2026-11-23T22:00:00Z");
  view_.databases.clear();
  const PolicyChange change = Plan();
  EXPECT_THAT(change.withdraw_runs, ElementsAre(view_.scheduled_runs[1].name()));
}

TEST_F(PlanningTest, AnotherSpecUpdatesRowsWithTheNextEpoch) {
  Apply(Plan());
  view_.scheduled_runs[0].set_delivered(true);
  view_.policy->mutable_spec()->mutable_dump()->set_jobs(4);
  const PolicyChange change = Plan();
  ASSERT_THAT(change.update_runs, SizeIs(2));
  EXPECT_EQ(change.update_runs[0].name(), view_.scheduled_runs[0].name());
  EXPECT_EQ(change.update_runs[0].epoch(), 2);
  EXPECT_EQ(change.update_runs[0].spec().dump().jobs(), 4);
  EXPECT_FALSE(change.update_runs[0].delivered());
  EXPECT_THAT(change.create_runs, IsEmpty());
  EXPECT_THAT(change.withdraw_runs, IsEmpty());
}

TEST_F(PlanningTest, OtherTimesUpdateRows) {
  Apply(Plan());
  *view_.policy->mutable_spec()->mutable_schedule()->mutable_start_deadline() = ToProto(absl::Hours(1));
  const PolicyChange change = Plan();
  ASSERT_THAT(change.update_runs, SizeIs(2));
  EXPECT_EQ(ToAbsl(change.update_runs[0].start_deadline_time()), At("2026-11-23T23:00:00Z"));
}

// Slot, state and cause, of those that are not to come.
std::vector<std::string> Past(const PolicyChange& change, absl::Time now) {
  std::vector<std::string> texts;
  for (const v1::Run& run : change.create_runs) {
    if (ToAbsl(run.slot_time()) <= now) {
      texts.push_back(absl::StrCat(FormatRfc3339(ToAbsl(run.slot_time())), " ", v1::RunState_Name(run.state()), " ",
                                   v1::NotStartedCause_Name(run.not_started_cause())));
    }
  }
  return texts;
}

TEST_F(PlanningTest, SlotsOfALongOutageGetRowsTooAndTheNewestStandsIn) {
  *view_.policy->mutable_spec()->mutable_schedule()->mutable_start_deadline() = ToProto(absl::Hours(40));
  Apply(Plan());  // To the 24th, 22:00.
  SetNow("2026-11-28T12:00:00Z");
  const PolicyChange change = Plan();
  EXPECT_THAT(Past(change, now_),
              ElementsAre("2026-11-25T22:00:00Z MISSED CONTROLLER_DOWN", "2026-11-26T22:00:00Z MISSED SUPERSEDED",
                          "2026-11-27T22:00:00Z SCHEDULED NOT_STARTED_CAUSE_UNSPECIFIED"));
  EXPECT_THAT(Slots(change.create_runs), SizeIs(3 + 2));
  EXPECT_EQ(change.create_runs[0].state_reason(), "no controller planned it until its start deadline");
  EXPECT_EQ(ToAbsl(change.create_runs[0].end_time()), now_);
  ASSERT_THAT(change.events, SizeIs(2));
  EXPECT_EQ(change.events[0].type(), "RUN_MISSED");
  EXPECT_EQ(change.events[0].subject(), change.create_runs[0].name());
  EXPECT_TRUE(change.planned);
}

TEST_F(PlanningTest, RowsThatNoLongerWaitTellWhereToGoOn) {
  // The agent ran and reported what it held before anything was planned again.
  Apply(Plan());
  SetNow("2026-11-27T12:00:00Z");
  view_.scheduled_runs.clear();
  EXPECT_THAT(Past(Plan(), now_), ElementsAre("2026-11-25T22:00:00Z MISSED CONTROLLER_DOWN",
                                              "2026-11-26T22:00:00Z MISSED CONTROLLER_DOWN"));
}

TEST_F(PlanningTest, ALongBacklogIsWrittenInStepsOldestFirst) {
  view_.policy->mutable_spec()->mutable_schedule()->set_cron("*/10 * * * *");
  Apply(Plan());
  const absl::Time first_gap = *all_slots_.rbegin() + absl::Minutes(10);
  SetNow("2027-02-01T12:00:00Z");
  int rows = 0;
  int waiting = 0;
  int steps = 0;
  for (bool planned = false; !planned; ++steps) {
    ASSERT_LT(steps, 20);
    const PolicyChange change = Plan();
    planned = change.planned;
    const std::vector<std::string> past = Past(change, now_);
    rows += static_cast<int>(past.size());
    EXPECT_LE(past.size(), kMaxPastRows);
    if (!planned) {
      EXPECT_THAT(change.create_runs, SizeIs(kMaxPastRows)) << "nothing of the future before the past is whole";
    }
    for (const v1::Run& run : change.create_runs) {
      waiting += run.state() == v1::SCHEDULED && ToAbsl(run.slot_time()) <= now_ ? 1 : 0;
    }
    Apply(change);
    SetNow("2027-02-01T12:00:00Z");
  }
  EXPECT_EQ(rows, (now_ - first_gap) / absl::Minutes(10) + 1);
  EXPECT_EQ(steps, (rows + kMaxPastRows - 1) / kMaxPastRows);
  EXPECT_EQ(waiting, 1);
}

TEST_F(PlanningTest, SlotsFromBeforeTheLastChangeOfThePolicyAreNotMadeUp) {
  Apply(Plan());
  SetNow("2026-11-27T12:00:00Z");
  *view_.policy->mutable_update_time() = ToProto(At("2026-11-26T12:00:00Z"));
  EXPECT_THAT(Past(Plan(), now_), ElementsAre("2026-11-26T22:00:00Z MISSED CONTROLLER_DOWN"));
}

TEST_F(PlanningTest, ADatabaseThatWasNotCoveredHasMissedNothing) {
  Apply(Plan());
  // Planned every day since, without the database.
  view_.scheduled_runs.clear();
  view_.planned_time = At("2026-12-20T12:00:00Z");
  SetNow("2026-12-24T12:00:00Z");
  EXPECT_THAT(Past(Plan(), now_), IsEmpty());
}

TEST_F(PlanningTest, SlotsThatFellDueWhilePausedAreSkipped) {
  Apply(Plan());
  view_.policy->mutable_spec()->mutable_schedule()->set_paused(true);
  SetNow("2026-11-26T12:00:00Z");
  EXPECT_THAT(Past(Plan(), now_), ElementsAre("2026-11-25T22:00:00Z SKIPPED POLICY_PAUSED"));
}

TEST_F(PlanningTest, WhatAWrongClockEndedIsOpenedAgain) {
  Apply(Plan());
  for (const v1::RunState state : {v1::MISSED, v1::SKIPPED, v1::LOST}) {
    view_.ended_ahead = {view_.scheduled_runs[0]};
    v1::Run& ended = view_.ended_ahead[0];
    ended.set_state(state);
    ended.set_state_reason("x");
    ended.set_not_started_cause(v1::CONTROLLER_DOWN);
    ended.set_delivered(true);
    *ended.mutable_end_time() = ToProto(now_ + absl::Hours(24 * 365));
    const std::vector<v1::Run> before = view_.scheduled_runs;
    view_.scheduled_runs.erase(view_.scheduled_runs.begin());

    const PolicyChange change = Plan();

    EXPECT_THAT(change.create_runs, IsEmpty());
    ASSERT_THAT(change.reopen_runs, SizeIs(1));
    v1::Run expected = before[0];
    expected.set_epoch(2);
    EXPECT_THAT(change.reopen_runs[0], EqualsProto(expected));
    ASSERT_THAT(change.events, SizeIs(1));
    EXPECT_EQ(change.events[0].type(), "RUN_REOPENED");
    view_.scheduled_runs = before;
  }
}

TEST_F(PlanningTest, WhatEndedAheadAndIsNotWantedStays) {
  Apply(Plan());
  view_.ended_ahead = {view_.scheduled_runs[0]};
  view_.ended_ahead[0].set_state(v1::MISSED);
  *view_.ended_ahead[0].mutable_slot_time() = ToProto(At("2027-11-23T22:00:00Z"));
  EXPECT_THAT(Plan().reopen_runs, IsEmpty());
}

TEST_F(PlanningTest, RowsOfAPolicyThatIsPausedOrLimitedAreHeldBack) {
  Apply(Plan());
  EXPECT_FALSE(view_.scheduled_runs[0].held_back());
  view_.scheduled_runs[0].set_delivered(true);
  for (const bool pause : {true, false}) {
    v1::ScheduleSpec& schedule = *view_.policy->mutable_spec()->mutable_schedule();
    schedule.set_paused(pause);
    schedule.set_max_running(pause ? 0 : 3);
    const PolicyChange change = Plan();
    ASSERT_THAT(change.update_runs, SizeIs(2));
    EXPECT_TRUE(change.update_runs[0].held_back());
    EXPECT_EQ(change.update_runs[0].epoch(), 2);
    EXPECT_FALSE(change.update_runs[0].delivered());
  }
}

TEST_F(PlanningTest, ExcludedSpansMoveTheStartAndAreToldToTheAgent) {
  v1::ExclusionWindow& window = *view_.policy->mutable_spec()->mutable_schedule()->add_not_during();
  window.set_cron("0 21 * * *");
  *window.mutable_duration() = ToProto(absl::Hours(2));
  const v1::Run run = Plan().create_runs.at(0);
  EXPECT_EQ(ToAbsl(run.slot_time()), At("2026-11-23T22:00:00Z"));
  EXPECT_EQ(ToAbsl(run.not_before_time()), At("2026-11-23T23:00:00Z"));
  ASSERT_EQ(run.spec().not_during_size(), 1);
  EXPECT_EQ(ToAbsl(run.spec().not_during(0).start_time()), At("2026-11-23T21:00:00Z"));
  EXPECT_EQ(ToAbsl(run.spec().not_during(0).end_time()), At("2026-11-23T23:00:00Z"));
  Apply(Plan());
  EXPECT_THAT(Plan().update_runs, IsEmpty());
}

TEST_F(PlanningTest, ANewDatabaseHasMissedNothing) {
  Apply(Plan());
  now_ = At("2026-11-24T21:00:00Z");
  view_.databases.push_back(DatabaseOf("db2", "users"));
  for (const v1::Run& run : Plan().create_runs) {
    EXPECT_GT(ToAbsl(run.slot_time()), now_) << run.database();
  }
}

TEST_F(PlanningTest, AClockThatGoesBackMakesNoSlotTwice) {
  Apply(Plan());
  now_ -= absl::Hours(24);
  const PolicyChange change = Plan();
  EXPECT_THAT(Slots(change.create_runs), ElementsAre("2026-11-22T22:00:00Z"));
  // Beyond the horizon of that time; planned again when it comes.
  EXPECT_THAT(change.withdraw_runs, ElementsAre(view_.scheduled_runs[1].name()));
}

// A quarterly drill at 04:00 in the schedule's zone, beside the nightly backups.
class DrillPlanningTest : public PlanningTest {
 protected:
  DrillPlanningTest() {
    v1::PolicySpec& spec = *view_.policy->mutable_spec();
    spec.mutable_schedule()->set_time_zone("Europe/Berlin");
    spec.mutable_dump()->set_jobs(3);
    spec.mutable_drill()->set_cron("0 4 15 1,4,7,10 *");
    *spec.mutable_drill()->mutable_max_duration() = ToProto(absl::Minutes(30));
    spec.mutable_drill()->add_assertions("SELECT true");
  }
  static std::vector<v1::Run> Drills(const std::vector<v1::Run>& runs) {
    std::vector<v1::Run> drills;
    for (const v1::Run& run : runs) {
      if (run.kind() == v1::DRILL) {
        drills.push_back(run);
      }
    }
    return drills;
  }
};

TEST_F(DrillPlanningTest, ADrillIsARowLongBeforeItIsDue) {
  const std::vector<v1::Run> drills = Drills(Plan().create_runs);

  EXPECT_THAT(Slots(drills), ElementsAre("2027-01-15T03:00:00Z"));
  EXPECT_EQ(drills.at(0).state(), v1::SCHEDULED);
  EXPECT_THAT(drills.at(0).spec(), EqualsProto(R"pb(
                drill {
                  jobs: 3
                  max_duration { seconds: 1800 }
                  assertions: "SELECT true"
                }
              )pb"));
}

TEST_F(DrillPlanningTest, BackupsAndDrillsDoNotGetInEachOthersWay) {
  view_.policy->mutable_spec()->mutable_drill()->set_cron(view_.policy->spec().schedule().cron());
  const PolicyChange first = Plan();
  EXPECT_THAT(Slots(first.create_runs), UnorderedElementsAre("2026-11-23T21:00:00Z", "2026-11-24T21:00:00Z",
                                                             "2026-11-23T21:00:00Z", "2026-11-24T21:00:00Z"));
  Apply(first);

  const PolicyChange second = Plan();
  EXPECT_THAT(second.create_runs, IsEmpty());
  EXPECT_THAT(second.withdraw_runs, IsEmpty());
  EXPECT_THAT(second.update_runs, IsEmpty());
}

TEST_F(DrillPlanningTest, WithoutDrillsInThePolicyTheirRowsGoAndBackupsStay) {
  Apply(Plan());
  const std::string drill = Drills(view_.scheduled_runs).at(0).name();
  view_.policy->mutable_spec()->clear_drill();

  const PolicyChange change = Plan();

  EXPECT_THAT(change.withdraw_runs, ElementsAre(drill));
  EXPECT_THAT(change.create_runs, IsEmpty());
}

TEST_F(DrillPlanningTest, OtherAssertionsUpdateTheRow) {
  Apply(Plan());
  view_.policy->mutable_spec()->mutable_drill()->set_assertions(0, "SELECT count(*) > 0 FROM orders");

  const PolicyChange change = Plan();

  ASSERT_THAT(change.update_runs, SizeIs(1));
  EXPECT_EQ(change.update_runs[0].kind(), v1::DRILL);
  EXPECT_EQ(change.update_runs[0].epoch(), 2);
  EXPECT_EQ(change.update_runs[0].spec().drill().assertions(0), "SELECT count(*) > 0 FROM orders");
}

TEST_F(PlanningTest, AScheduleThatCannotBeReadIsAnError) {
  view_.policy->mutable_spec()->mutable_schedule()->set_cron("x");
  EXPECT_THAT(PlanRuns(view_, now_, random_), HasReason("CRON_INVALID"));
}

}  // namespace
}  // namespace backup::server
