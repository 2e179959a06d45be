// SPDX-License-Identifier: Apache-2.0
#include "server/loops/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/loop.h"
#include "server/domain/planning.h"
#include "server/domain/run_attempt.h"
#include "server/domain/run_completion.h"
#include "server/domain/test_data.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/fake_store.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::AgentSeenAt;
using ::backup::testing::At;
using ::backup::testing::DatabaseOf;
using ::backup::testing::FakeClock;
using ::backup::testing::FakeRandom;
using ::backup::testing::FakeStore;
using ::backup::testing::IsOk;
using ::backup::testing::NightlyPolicy;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;

class SchedulerTest : public ::testing::Test {
 protected:
  SchedulerTest() : clock_(At("2026-11-23T12:00:00Z")), scheduler_(store_, clock_, random_, feed_) {
    store_.SetRepeatDecisions(true);  // Decisions must stand being made twice.
    store_.PutAgent(AgentSeenAt("db1", clock_.Now()), {DatabaseOf("db1", "orders")});
    store_.PutPolicy(NightlyPolicy(), clock_.Now());
  }

  std::vector<v1::Run> Runs() {
    PageRequest page;
    page.size = 1000;
    return store_.ListRuns(v1::RunFilter(), page)->items;
  }
  // States by slot, e.g. "23T22 SCHEDULED"; oldest first.
  std::vector<std::string> States() {
    std::map<absl::Time, std::string> states;
    for (const v1::Run& run : Runs()) {
      const absl::Time slot = ToAbsl(run.slot_time());
      states[slot] =
          absl::StrCat(absl::FormatTime("%dT%H", slot, absl::UTCTimeZone()), " ", v1::RunState_Name(run.state()));
    }
    std::vector<std::string> texts;
    for (const auto& [slot, text] : states) {
      texts.push_back(text);
    }
    return texts;
  }
  v1::Run RunOfSlot(const std::string& slot) {
    for (const v1::Run& run : Runs()) {
      if (ToAbsl(run.slot_time()) == At(slot)) {
        return run;
      }
    }
    ADD_FAILURE() << "no run of slot " << slot;
    return v1::Run();
  }
  // Nobody watches meanwhile.
  void SetNow(const std::string& time) { clock_.Advance(At(time) - clock_.Now()); }
  // With turns all the way.
  void RunUntil(const std::string& time) {
    while (clock_.Now() < At(time)) {
      clock_.Advance(std::min(absl::Minutes(1), At(time) - clock_.Now()));
      scheduler_.RunOnce();
    }
  }
  // The agent is heard of now.
  void HearAgent() { store_.PutAgent(AgentSeenAt("db1", clock_.Now()), {DatabaseOf("db1", "orders")}); }

  void Report(const v1::Run& run, absl::Duration lease) {
    v1::AttemptProgress progress;
    progress.mutable_attempt()->set_run(run.name());
    progress.mutable_attempt()->set_attempt_id("a1");
    progress.mutable_attempt()->set_epoch(run.epoch());
    EXPECT_THAT(
        store_.ChangeRun(run.name(),
                         [&](const RunView& view) { return StartOrExtendRun(view, progress, clock_.Now(), lease); }),
        IsOk());
  }

  FakeStore store_;
  FakeClock clock_;
  FakeRandom random_;
  ChangeFeed feed_;
  Scheduler scheduler_;
};

TEST_F(SchedulerTest, PlansAtTheFirstTurn) {
  scheduler_.RunOnce();
  EXPECT_THAT(States(), ElementsAre("23T22 SCHEDULED", "24T22 SCHEDULED"));
}

TEST_F(SchedulerTest, PlansAgainWhenAskedOrAMinuteLater) {
  scheduler_.RunOnce();
  v1::Policy hourly = NightlyPolicy();
  hourly.set_name("policies/weekly");
  hourly.mutable_spec()->mutable_schedule()->set_cron("0 5 * * 0");
  store_.PutPolicy(hourly, clock_.Now());
  scheduler_.RunOnce();
  EXPECT_EQ(Runs().size(), 2);
  scheduler_.RequestReplan();
  scheduler_.RunOnce();
  EXPECT_EQ(Runs().size(), 3);
  hourly.set_name("policies/monthly");
  hourly.mutable_spec()->mutable_schedule()->set_cron("0 5 1 * *");
  store_.PutPolicy(hourly, clock_.Now());
  clock_.Advance(absl::Seconds(59));
  scheduler_.RunOnce();
  EXPECT_EQ(Runs().size(), 3);
  clock_.Advance(absl::Seconds(1));
  scheduler_.RunOnce();
  EXPECT_EQ(Runs().size(), 4);
}

TEST_F(SchedulerTest, ADueRunIsPendingThenMissedWhenNobodyComes) {
  scheduler_.RunOnce();
  SetNow("2026-11-23T22:00:00Z");
  scheduler_.RunOnce();
  EXPECT_THAT(States(), ElementsAre("23T22 PENDING", "24T22 SCHEDULED", "25T22 SCHEDULED"));
  RunUntil("2026-11-24T04:00:00Z");
  const v1::Run run = RunOfSlot("2026-11-23T22:00:00Z");
  EXPECT_EQ(run.state(), v1::MISSED);
  EXPECT_EQ(run.state_reason(), "the agent agents/db1 has not been heard of since 2026-11-23T12:00:00Z");
}

TEST_F(SchedulerTest, WaitsUntilTheNextThingIsDueButNeverLong) {
  EXPECT_EQ(scheduler_.RunOnce(), absl::Seconds(5));
  SetNow("2026-11-23T21:59:58Z");
  EXPECT_EQ(scheduler_.RunOnce(), absl::Seconds(2));
  SetNow("2026-11-23T22:00:00Z");
  EXPECT_EQ(scheduler_.RunOnce(), absl::Seconds(5));
}

TEST_F(SchedulerTest, EveryWaitIsPositive) {
  SchedulerOptions options;
  options.replan_interval = absl::Seconds(7);
  Scheduler scheduler(store_, clock_, random_, feed_, options);
  for (int i = 0; i < 2000; ++i) {
    const absl::Duration wait = scheduler.RunOnce();
    ASSERT_GT(wait, absl::ZeroDuration());
    ASSERT_LE(wait, absl::Seconds(5));
    clock_.Advance(wait * 20);
  }
  EXPECT_THAT(States(), Contains(HasSubstr("MISSED")));
}

TEST_F(SchedulerTest, AnOutageOfThirtyHoursIsMadeUpFor) {
  scheduler_.RunOnce();
  SetNow("2026-11-26T04:30:00Z");  // 23T22, 24T22 and 25T22 have passed; only two of them had rows.
  HearAgent();
  scheduler_.RunOnce();
  EXPECT_THAT(States(),
              ElementsAre("23T22 MISSED", "24T22 MISSED", "25T22 MISSED", "26T22 SCHEDULED", "27T22 SCHEDULED"));
  for (const v1::Run& run : Runs()) {
    EXPECT_EQ(run.not_started_cause(), run.state() == v1::MISSED ? v1::CONTROLLER_DOWN : 0) << run.DebugString();
  }
}

TEST_F(SchedulerTest, AfterAnOutageASlotWithinItsDeadlineStillRuns) {
  scheduler_.RunOnce();
  SetNow("2026-11-26T01:00:00Z");
  HearAgent();
  scheduler_.RunOnce();
  EXPECT_THAT(States(),
              ElementsAre("23T22 MISSED", "24T22 MISSED", "25T22 PENDING", "26T22 SCHEDULED", "27T22 SCHEDULED"));
}

TEST_F(SchedulerTest, DueRunsOfAPausedPolicyAreSkipped) {
  scheduler_.RunOnce();
  v1::Policy policy = NightlyPolicy();
  policy.mutable_spec()->mutable_schedule()->set_paused(true);
  store_.PutPolicy(policy, clock_.Now());
  SetNow("2026-11-23T22:00:00Z");
  scheduler_.RunOnce();
  EXPECT_EQ(RunOfSlot("2026-11-23T22:00:00Z").state(), v1::SKIPPED);
  EXPECT_EQ(RunOfSlot("2026-11-23T22:00:00Z").state_reason(), "the policy is paused");
  EXPECT_EQ(RunOfSlot("2026-11-24T22:00:00Z").state(), v1::SCHEDULED);
}

TEST_F(SchedulerTest, ADueRunIsSkippedWhileTheOneBeforeWorks) {
  scheduler_.RunOnce();
  SetNow("2026-11-23T22:00:00Z");
  HearAgent();
  scheduler_.RunOnce();
  Report(RunOfSlot("2026-11-23T22:00:00Z"), absl::Hours(48));
  SetNow("2026-11-24T22:00:00Z");
  HearAgent();
  scheduler_.RunOnce();
  EXPECT_THAT(States(), IsSupersetOf({"23T22 RUNNING", "24T22 SKIPPED"}));
  EXPECT_THAT(RunOfSlot("2026-11-24T22:00:00Z").state_reason(), HasSubstr("was still working"));
}

TEST_F(SchedulerTest, ALeaseThatEndsLosesTheRunAndALateReportBringsItBack) {
  scheduler_.RunOnce();
  SetNow("2026-11-23T22:00:00Z");
  scheduler_.RunOnce();
  Report(RunOfSlot("2026-11-23T22:00:00Z"), absl::Seconds(60));
  clock_.Advance(absl::Seconds(58));
  EXPECT_EQ(scheduler_.RunOnce(), absl::Seconds(2));
  clock_.Advance(absl::Seconds(2));
  scheduler_.RunOnce();
  EXPECT_EQ(RunOfSlot("2026-11-23T22:00:00Z").state(), v1::LOST);
  Report(RunOfSlot("2026-11-23T22:00:00Z"), absl::Seconds(60));
  EXPECT_EQ(RunOfSlot("2026-11-23T22:00:00Z").state(), v1::RUNNING);
}

TEST_F(SchedulerTest, TellsWhoMightCare) {
  int agent_news = 0;
  const auto agent = feed_.Subscribe("agents/db1", [&] { ++agent_news; });
  scheduler_.RunOnce();
  EXPECT_EQ(agent_news, 1);  // Rows were planned.
  int run_news = 0;
  const auto run = feed_.Subscribe(RunOfSlot("2026-11-23T22:00:00Z").name(), [&] { ++run_news; });
  clock_.Advance(absl::Minutes(2));
  scheduler_.RunOnce();
  EXPECT_EQ(agent_news, 1);  // A plan that changes nothing is no news.
  EXPECT_EQ(run_news, 0);
  SetNow("2026-11-24T04:00:00Z");
  scheduler_.RunOnce();
  EXPECT_EQ(run_news, 1);
  EXPECT_GE(agent_news, 2);
}

TEST_F(SchedulerTest, ACatalogThatIsDownIsAskedAgainLessAndLessOften) {
  store_.SetUnavailable(true);
  std::vector<absl::Duration> waits;
  for (int i = 0; i < 8; ++i) {
    waits.push_back(scheduler_.RunOnce());
  }
  const auto s = [](int n) { return absl::Seconds(n); };
  EXPECT_THAT(waits, ElementsAre(s(1), s(2), s(4), s(8), s(16), s(30), s(30), s(30)));
  store_.SetUnavailable(false);
  EXPECT_EQ(scheduler_.RunOnce(), absl::Seconds(5));
  EXPECT_THAT(States(), ElementsAre("23T22 SCHEDULED", "24T22 SCHEDULED"));  // The plan was not forgotten.
  store_.SetUnavailable(true);
  EXPECT_EQ(scheduler_.RunOnce(), absl::Seconds(1));
}

TEST_F(SchedulerTest, AnOutageOfTheCatalogLosesNothing) {
  scheduler_.RunOnce();
  store_.SetUnavailable(true);
  SetNow("2026-11-25T23:00:00Z");
  scheduler_.RunOnce();
  store_.SetUnavailable(false);
  scheduler_.RunOnce();
  EXPECT_THAT(States(),
              ElementsAre("23T22 MISSED", "24T22 MISSED", "25T22 PENDING", "26T22 SCHEDULED", "27T22 SCHEDULED"));
}

TEST_F(SchedulerTest, AnAnswerThatWasLostIsDoneOnce) {
  store_.LoseNextAnswer();
  scheduler_.RunOnce();
  scheduler_.RunOnce();
  EXPECT_THAT(States(), ElementsAre("23T22 SCHEDULED", "24T22 SCHEDULED"));
  EXPECT_EQ(Runs().size(), 2);
}

TEST_F(SchedulerTest, APolicyThatCannotBePlannedHoldsUpNoOther) {
  v1::Policy broken = NightlyPolicy();
  broken.set_name("policies/a-broken-one");
  broken.mutable_spec()->mutable_schedule()->set_cron("not cron");
  store_.PutPolicy(broken, clock_.Now());
  scheduler_.RunOnce();
  EXPECT_THAT(States(), ElementsAre("23T22 SCHEDULED", "24T22 SCHEDULED"));
}

// Fails the changes of one run.
class StubbornStore : public FakeStore {
 public:
  absl::StatusOr<v1::Run> ChangeRun(absl::string_view name, const RunDecision& decide) override {
    if (name == stubborn_) {
      return absl::InternalError("the row is damaged");
    }
    return FakeStore::ChangeRun(name, decide);
  }
  std::string stubborn_;
};

TEST(SchedulerFailureTest, ARunThatFailsToAdvanceHoldsUpNoOther) {
  StubbornStore store;
  FakeClock clock(At("2026-11-23T22:00:00Z"));
  FakeRandom random;
  ChangeFeed feed;
  Scheduler scheduler(store, clock, random, feed);
  // More than one batch, the damaged row first.
  for (int i = 0; i < 1200; ++i) {
    v1::Run run = testing::NightlyRun(v1::SCHEDULED);
    run.set_name(absl::StrCat("runs/r", i));
    run.set_policy(absl::StrCat("policies/p", i));
    store.PutRun(run);
  }
  store.stubborn_ = "runs/r0";
  EXPECT_EQ(scheduler.RunOnce(), absl::Seconds(5));  // No back-off: the catalog is well.
  EXPECT_EQ(store.GetRun("runs/r0")->state(), v1::SCHEDULED);
  for (int i = 1; i < 1200; ++i) {
    ASSERT_EQ(store.GetRun(absl::StrCat("runs/r", i))->state(), v1::PENDING) << i;
  }
  store.stubborn_.clear();
  scheduler.RunOnce();
  EXPECT_EQ(store.GetRun("runs/r0")->state(), v1::PENDING);
}

// Three databases of one agent, due at once.
class SchedulerLimitTest : public SchedulerTest {
 protected:
  void Start(int32_t max_running, int64_t fleet, int32_t agent_slots = 10) {
    v1::Policy policy = NightlyPolicy();
    policy.mutable_spec()->mutable_schedule()->set_max_running(max_running);
    store_.PutPolicy(policy, clock_.Now());
    options_.max_running_runs = fleet;
    agent_slots_ = agent_slots;
    limited_.emplace(store_, clock_, random_, feed_, options_);
    SetNow("2026-11-23T21:59:30Z");
    Turn();
    SetNow("2026-11-23T22:00:00Z");
    Turn();
  }
  void Turn(int32_t active = 0) {
    v1::Agent agent = AgentSeenAt("db1", clock_.Now());
    agent.set_slot_count(agent_slots_);
    agent.set_active_run_count(active);
    store_.PutAgent(agent, {DatabaseOf("db1", "orders"), DatabaseOf("db1", "crm"), DatabaseOf("db1", "hr")});
    limited_->RunOnce();
  }
  // Of the slot that is due.
  std::vector<v1::Run> Due() {
    std::vector<v1::Run> due;
    for (const v1::Run& run : Runs()) {
      if (ToAbsl(run.slot_time()) == At("2026-11-23T22:00:00Z")) {
        due.push_back(run);
      }
    }
    return due;
  }
  // Those that may start or have started.
  std::vector<v1::Run> LetGo() {
    std::vector<v1::Run> runs;
    for (const v1::Run& run : Due()) {
      if ((run.state() == v1::PENDING && !run.held_back()) || run.state() == v1::RUNNING) {
        runs.push_back(run);
      }
    }
    return runs;
  }
  void Finish(v1::Run run) {
    run.set_state(v1::SUCCEEDED);
    store_.PutRun(run);
  }

  SchedulerOptions options_;
  int32_t agent_slots_ = 10;
  std::optional<Scheduler> limited_;
};

TEST_F(SchedulerLimitTest, AsManyRunsOfAPolicyGoAsItMayAndOthersFollow) {
  Start(/*max_running=*/2, /*fleet=*/0);
  ASSERT_EQ(LetGo().size(), 2u);
  Report(LetGo()[0], absl::Hours(9));
  clock_.Advance(absl::Seconds(1));
  Turn();
  EXPECT_EQ(LetGo().size(), 2u);
  Finish(LetGo()[0]);
  int news = 0;
  const auto subscription = feed_.Subscribe("agents/db1", [&] { ++news; });
  Turn();
  EXPECT_EQ(LetGo().size(), 2u);
  EXPECT_EQ(news, 1) << "the agent is told";
}

TEST_F(SchedulerLimitTest, TheFleetsLimitHoldsForAllPolicies) {
  v1::Policy other = NightlyPolicy();
  other.set_name("policies/other");
  store_.PutPolicy(other, clock_.Now());
  Start(/*max_running=*/0, /*fleet=*/4);
  ASSERT_EQ(Due().size(), 6u);
  EXPECT_EQ(LetGo().size(), 4u);
}

TEST_F(SchedulerLimitTest, AnAgentWithoutAFreeSlotTakesNoPlace) {
  Start(/*max_running=*/2, /*fleet=*/0, /*agent_slots=*/1);
  ASSERT_EQ(LetGo().size(), 1u);
  Finish(LetGo()[0]);
  clock_.Advance(absl::Seconds(1));
  Turn(/*active=*/1);
  EXPECT_EQ(LetGo().size(), 0u) << "it works on another policy's";
  Turn(/*active=*/0);
  EXPECT_EQ(LetGo().size(), 1u);
}

TEST_F(SchedulerLimitTest, AnAgentGetsNoMorePlacesThanItHasFreeSlots) {
  Start(/*max_running=*/3, /*fleet=*/0, /*agent_slots=*/2);
  EXPECT_EQ(LetGo().size(), 2u);
  limited_->RunOnce();
  EXPECT_EQ(LetGo().size(), 2u) << "it was not heard of since";
  clock_.Advance(absl::Seconds(1));
  Turn(/*active=*/1);  // One of the two went quickly.
  EXPECT_EQ(LetGo().size(), 3u);
}

TEST_F(SchedulerLimitTest, WhatGotNoPlaceUntilItsDeadlineIsMissed) {
  Start(/*max_running=*/1, /*fleet=*/0);
  Report(LetGo().at(0), absl::Hours(9));
  while (clock_.Now() < At("2026-11-24T04:00:00Z")) {
    clock_.Advance(absl::Minutes(1));
    Turn();
  }
  int missed = 0;
  for (const v1::Run& run : Due()) {
    missed += run.state() == v1::MISSED && run.not_started_cause() == v1::NO_FREE_SLOT ? 1 : 0;
  }
  EXPECT_EQ(missed, 2);
}

TEST_F(SchedulerTest, TwoSchedulersMakeNoSlotTwice) {
  Scheduler second(store_, clock_, random_, feed_);
  for (int day = 0; day < 3; ++day) {
    scheduler_.RequestReplan();
    second.RequestReplan();
    scheduler_.RunOnce();
    second.RunOnce();
    clock_.Advance(absl::Hours(24));
  }
  std::map<int64_t, int> slots;
  for (const v1::Run& run : Runs()) {
    ++slots[run.slot_time().seconds()];
  }
  for (const auto& [slot, count] : slots) {
    EXPECT_EQ(count, 1) << slot;
  }
}

TEST_F(SchedulerTest, AClockThatStepsMakesNoSlotTwiceAndForgetsNone) {
  scheduler_.RunOnce();
  SetNow("2026-11-23T22:00:00Z");
  scheduler_.RunOnce();
  clock_.SetWallTime(At("2026-11-22T22:00:00Z"));
  scheduler_.RequestReplan();
  scheduler_.RunOnce();
  clock_.SetWallTime(At("2026-11-23T23:00:00Z"));
  scheduler_.RequestReplan();
  scheduler_.RunOnce();
  std::map<int64_t, int> slots;
  for (const v1::Run& run : Runs()) {
    ++slots[run.slot_time().seconds()];
  }
  EXPECT_EQ(slots.size(), Runs().size());
  EXPECT_EQ(RunOfSlot("2026-11-23T22:00:00Z").state(), v1::PENDING);
  EXPECT_EQ(RunOfSlot("2026-11-24T22:00:00Z").state(), v1::SCHEDULED);
}

TEST_F(SchedulerTest, RunsAsTheBodyOfALoop) {
  Mutex mu;
  CondVar planned;
  bool told = false;
  const auto subscription = feed_.Subscribe("agents/db1", [&] {
    MutexLock lock(mu);
    told = true;
    planned.NotifyAll();
  });
  Loop loop("scheduler", [this] { return scheduler_.RunOnce(); });
  loop.Start();
  {
    MutexLock lock(mu);
    while (!told) {
      planned.Wait(mu);
    }
  }
  scheduler_.RequestReplan();  // From another thread than the loop's.
  loop.Trigger();
  loop.Stop();
  EXPECT_EQ(Runs().size(), 2);
}

}  // namespace
}  // namespace backup::server
