// SPDX-License-Identifier: Apache-2.0
// Outages and wrong clocks: what the ledger says afterwards, and that no slot runs twice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/domain/desired_set.h"
#include "server/domain/planning.h"
#include "server/domain/run_attempt.h"
#include "server/domain/run_completion.h"
#include "server/domain/test_data.h"
#include "server/loops/planner_pass.h"
#include "server/loops/scheduler.h"
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
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::IsOkAndHolds;
using ::backup::testing::NightlyPolicy;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kAgent[] = "agents/db1";

// Keeps the size of the largest plan.
class MeasuredStore : public FakeStore {
 public:
  absl::StatusOr<v1::Policy> ChangePolicy(absl::string_view name, absl::Time now,
                                          const PolicyDecision& decide) override {
    return FakeStore::ChangePolicy(name, now, [&](const PolicyView& view) -> absl::StatusOr<PolicyChange> {
      absl::StatusOr<PolicyChange> change = decide(view);
      if (change.ok()) {
        largest_plan_ = std::max(largest_plan_, change->create_runs.size() + change->reopen_runs.size());
      }
      return change;
    });
  }
  size_t largest_plan_ = 0;
};

// A controller, and an agent that obeys what it holds by a clock that is always right.
class OutageTest : public ::testing::Test {
 protected:
  OutageTest() { store_.PutAgent(AgentSeenAt("db1", clock_.Now()), {DatabaseOf("db1", "orders")}); }

  void SetPolicy(const std::string& cron, absl::Duration start_deadline = absl::Hours(6)) {
    v1::Policy policy = NightlyPolicy();
    policy.mutable_spec()->mutable_schedule()->set_cron(cron);
    *policy.mutable_spec()->mutable_schedule()->mutable_start_deadline() = ToProto(start_deadline);
    store_.PutPolicy(policy, clock_.Now());
    RestartController();
  }
  void RestartController() {
    SchedulerOptions options;
    options.replan_interval = absl::Minutes(10);
    scheduler_.emplace(store_, clock_, random_, feed_, options);
  }
  void Turn() {
    while (scheduler_->RunOnce() < absl::Milliseconds(100)) {
    }
  }

  // The agent syncs, starts what is due by its own clock, and reports its success at once.
  void AgentTurn() {
    store_.PutAgent(AgentSeenAt("db1", clock_.Now()), {DatabaseOf("db1", "orders")});
    const std::vector<v1::Run> open = *store_.ListOpenRuns(kAgent, clock_.Now() + absl::Hours(24));
    held_ = BuildDesiredSet(open, {});
    std::vector<v1::Run> told;
    for (const v1::DesiredRun& run : held_.runs()) {
      told.push_back(*std::find_if(open.begin(), open.end(), [&](const v1::Run& r) { return r.name() == run.run(); }));
    }
    EXPECT_THAT(store_.MarkDelivered(told), IsOk());
    Work();
    for (; !unreported_.empty(); unreported_.erase(unreported_.begin())) {
      Report(unreported_.front());
    }
  }
  // Starts what is due, and tells nobody.
  void Work() {
    for (const v1::DesiredRun& run : held_.runs()) {
      if (ToAbsl(run.not_before_time()) <= agent_now() && agent_now() < ToAbsl(run.start_deadline_time()) &&
          taken_.insert(absl::StrCat(run.run(), "/", run.epoch())).second) {
        ++runs_of_slot_[ToAbsl(run.slot_time())];
        unreported_.push_back(run);
      }
    }
  }
  absl::Time agent_now() const { return agent_epoch_ + clock_.Monotonic(); }

  void Report(const v1::DesiredRun& run) {
    v1::AttemptRef attempt;
    attempt.set_run(run.run());
    attempt.set_attempt_id("a1");
    attempt.set_epoch(run.epoch());
    v1::RunResult result = testing::NightlySuccess();
    v1::Manifest& manifest = *result.mutable_manifest();
    const std::string id = absl::StrCat("20261123T220000Z-", run.run().substr(5));
    manifest.set_backup_id(id);
    result.set_path(absl::StrCat("/backups/db1/orders/", id));
    manifest.set_run(run.run());
    manifest.set_epoch(run.epoch());
    *manifest.mutable_slot_time() = run.slot_time();
    *result.mutable_start_time() = run.not_before_time();
    result.clear_end_time();
    status_ =
        store_
            .ChangeRun(run.run(), [&](const RunView& view) { return CompleteRun(view, attempt, result, clock_.Now()); })
            .status();
  }

  // Minute by minute.
  void Pass(absl::Duration duration, bool with_controller, bool with_agent) {
    for (absl::Duration done; done < duration; done += absl::Minutes(1)) {
      clock_.Advance(absl::Minutes(1));
      if (with_controller) {
        Turn();
      }
      if (with_agent) {
        AgentTurn();
      }
    }
  }

  std::vector<v1::Run> Runs() {
    std::vector<v1::Run> runs;
    PageRequest page;
    page.size = 1000;
    do {
      const Page<v1::Run> listed = *store_.ListRuns(v1::RunFilter(), page);
      runs.insert(runs.end(), listed.items.begin(), listed.items.end());
      page.token = listed.next_token;
    } while (!page.token.empty());
    return runs;
  }
  // How many runs there are with a slot in [from, to), by state and cause.
  std::map<std::string, int> Count(absl::Time from, absl::Time to) {
    std::map<std::string, int> counts;
    for (const v1::Run& run : Runs()) {
      if (const absl::Time slot = ToAbsl(run.slot_time()); from <= slot && slot < to) {
        ++counts[absl::StrCat(
            v1::RunState_Name(run.state()),
            run.not_started_cause() == 0 ? "" : absl::StrCat(" ", v1::NotStartedCause_Name(run.not_started_cause())))];
      }
    }
    return counts;
  }

  MeasuredStore store_;
  FakeClock clock_{At("2026-11-23T11:59:30Z")};
  const absl::Time agent_epoch_ = clock_.Now() - clock_.Monotonic();
  FakeRandom random_;
  ChangeFeed feed_;
  std::optional<Scheduler> scheduler_;

  v1::SyncResponse held_;
  std::set<std::string> taken_;
  std::vector<v1::DesiredRun> unreported_;
  std::map<absl::Time, int> runs_of_slot_;
  absl::Status status_;  // Of the last report.
};

class ControllerOutageTest : public OutageTest, public ::testing::WithParamInterface<int> {};
INSTANTIATE_TEST_SUITE_P(Slots, ControllerOutageTest, ::testing::Values(1, 3, 101, 10'000));

TEST_P(ControllerOutageTest, EverySlotHasARowAndOneCatchesUp) {
  const int slots = GetParam();
  constexpr absl::Duration kInterval = absl::Minutes(30);
  SetPolicy("*/30 * * * *", absl::Hours(2));
  Turn();
  const absl::Time last_planned = ToAbsl(Runs().at(0).slot_time());
  // Over as many slots as nobody had planned, beside those of the 25 hours that were.
  clock_.Advance(last_planned + kInterval * slots + absl::Minutes(10) - clock_.Now());
  const absl::Time now = clock_.Now();
  RestartController();
  store_.largest_plan_ = 0;

  Turn();

  const std::map<std::string, int> counts = Count(absl::InfinitePast(), now + absl::Seconds(1));
  int rows = 0;
  for (const auto& [state, count] : counts) {
    rows += count;
  }
  const int planned_before = static_cast<int>((last_planned - At("2026-11-23T12:00:00Z")) / kInterval) + 1;
  EXPECT_EQ(rows, planned_before + slots);
  EXPECT_EQ(counts.at("PENDING"), 1);
  EXPECT_EQ(counts.at("MISSED SUPERSEDED"), 3) << "within the start deadline of two hours";
  EXPECT_EQ(counts.at("MISSED CONTROLLER_DOWN"), rows - 4);
  EXPECT_EQ(counts.size(), 3u);
  for (const v1::Run& run : Runs()) {
    if (run.state() == v1::PENDING) {
      EXPECT_EQ(ToAbsl(run.slot_time()), last_planned + kInterval * slots) << "the newest";
    }
    EXPECT_EQ(run.state() == v1::MISSED, !run.state_reason().empty());
  }
  EXPECT_LE(store_.largest_plan_, static_cast<size_t>(kMaxPastRows) + 52) << "no transaction is long";

  // The agent runs the one, and nothing else of the past.
  Pass(absl::Minutes(10), true, true);
  EXPECT_EQ(runs_of_slot_.size(), 1u);
  EXPECT_EQ(runs_of_slot_.begin()->second, 1);
  EXPECT_EQ(Count(absl::InfinitePast(), now + absl::Seconds(1)).at("SUCCEEDED"), 1);
}

TEST_F(OutageTest, ABacklogThatIsCutShortGoesOnWhereItEnded) {
  SetPolicy("* * * * *", absl::Hours(1));
  Turn();
  clock_.Advance(absl::Hours(24 * 10));
  PlannerPass pass(store_, clock_, random_, feed_);
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(pass.Run(/*deadline=*/absl::ZeroDuration()), IsOkAndHolds(false)) << "there is more to do";
  }
  EXPECT_THAT(Count(clock_.Now(), absl::InfiniteFuture()), IsEmpty());

  RestartController();  // It died, and another goes on.
  Turn();

  const absl::Time begin = At("2026-11-23T12:00:00Z");
  std::set<absl::Time> slots;
  for (const v1::Run& run : Runs()) {
    slots.insert(ToAbsl(run.slot_time()));
  }
  EXPECT_EQ(slots.size(), Runs().size());
  for (absl::Time slot = begin; slot <= clock_.Now() + absl::Hours(25); slot += absl::Minutes(1)) {
    EXPECT_TRUE(slots.contains(slot)) << slot;
  }
  EXPECT_EQ(Count(begin, clock_.Now() + absl::Seconds(1)).at("PENDING"), 1);
}

TEST_F(OutageTest, WhatAgentsRanWhileTheControllerWasAwayIsTakenAndHasNoDouble) {
  SetPolicy("0 * * * *");
  Turn();
  AgentTurn();
  Pass(absl::Hours(10), /*with_controller=*/false, /*with_agent=*/false);
  const absl::Time up = clock_.Now();
  // It kept to its schedule.
  for (const v1::DesiredRun& run : held_.runs()) {
    if (ToAbsl(run.slot_time()) < up) {
      taken_.insert(absl::StrCat(run.run(), "/", run.epoch()));
      ++runs_of_slot_[ToAbsl(run.slot_time())];
      unreported_.push_back(run);
    }
  }
  RestartController();
  Turn();
  EXPECT_EQ(Count(At("2026-11-23T12:00:00Z"), up).at("PENDING"), 10) << "they may have run, and the agent gets time";
  AgentTurn();
  Pass(absl::Minutes(5), true, true);
  EXPECT_THAT(Count(At("2026-11-23T12:00:00Z"), up), ElementsAre(::testing::Pair("SUCCEEDED", 10)));
  for (const auto& [slot, count] : runs_of_slot_) {
    EXPECT_EQ(count, 1) << slot;
  }
}

TEST_F(OutageTest, AnAgentThatIsAwayForAWeekReportsWhatItRanAndCatchesUpOnce) {
  SetPolicy("0 * * * *");
  Turn();
  AgentTurn();  // It holds the next 24 hours.
  const absl::Time begin = clock_.Now();
  const size_t held = static_cast<size_t>(held_.runs_size());
  for (int hour = 0; hour < 7 * 24; ++hour) {
    Pass(absl::Hours(1), /*with_controller=*/true, /*with_agent=*/false);
    Work();
  }
  const absl::Time back = clock_.Now();
  EXPECT_EQ(unreported_.size(), held) << "on time, alone";
  std::map<std::string, int> counts = Count(begin, back);
  EXPECT_EQ(counts.at("LOST"), 24) << "held and not heard of";
  EXPECT_EQ(counts.at("PENDING"), 1) << "one at a time";
  EXPECT_EQ(counts.at("MISSED AGENT_OFFLINE"), 7 * 24 - 25);
  EXPECT_EQ(counts.size(), 3u);

  AgentTurn();
  Turn();
  Pass(absl::Minutes(20), true, true);

  counts = Count(begin, back);
  EXPECT_EQ(counts.at("SUCCEEDED"), 25) << "those that it held, and one that catches up";
  EXPECT_EQ(counts.at("MISSED AGENT_OFFLINE"), 7 * 24 - 25);
  EXPECT_EQ(counts.size(), 2u);
  for (const v1::Run& run : Runs()) {
    if (run.state() == v1::SUCCEEDED && ToAbsl(run.slot_time()) < begin + absl::Hours(24)) {
      EXPECT_EQ(ToAbsl(run.start_time()), ToAbsl(run.slot_time())) << "on time, though told late";
    }
  }
  for (const auto& [slot, count] : runs_of_slot_) {
    EXPECT_EQ(count, 1) << slot;
  }
}

TEST_F(OutageTest, APolicyThatChangedMeanwhileEndsTheLeasesOfAnAgentThatIsAway) {
  SetPolicy("0 * * * *");
  Turn();
  AgentTurn();
  const v1::SyncResponse stale = held_;
  v1::Policy changed = *store_.GetPolicy("policies/nightly");
  changed.mutable_spec()->mutable_dump()->set_jobs(7);
  store_.PutPolicy(changed, clock_.Now());
  scheduler_->RequestReplan();
  Turn();

  Pass(absl::Hours(1), /*with_controller=*/true, /*with_agent=*/false);
  Report(stale.runs(0));
  EXPECT_THAT(status_, HasReason("STALE_EPOCH"));

  AgentTurn();
  ASSERT_TRUE(unreported_.empty());
  EXPECT_EQ(held_.runs(0).spec().dump().jobs(), 7);
  EXPECT_EQ(held_.runs(0).epoch(), 2);
  EXPECT_THAT(status_, IsOk());
}

class ClockStepTest : public OutageTest {
 protected:
  static constexpr absl::Duration kEvery = absl::Hours(6);

  ClockStepTest() {
    SetPolicy(absl::StrCat("0 */", kEvery / absl::Hours(1), " * * *"));
    Turn();
    AgentTurn();
  }
  void Step(absl::Duration by) {
    clock_.SetWallTime(clock_.Now() + by);
    Turn();
    AgentTurn();
  }
  // Every slot of the span by the right clock ran once.
  void ExpectEachSlotOnce(absl::Time from, absl::Time to) {
    for (absl::Time slot = from; slot < to; slot += kEvery) {
      EXPECT_EQ(runs_of_slot_[slot], 1) << slot;
    }
    for (const auto& [slot, count] : runs_of_slot_) {
      EXPECT_LE(count, 1) << slot;
    }
    std::set<absl::Time> slots;
    for (const v1::Run& run : Runs()) {
      EXPECT_TRUE(slots.insert(ToAbsl(run.slot_time())).second);
    }
  }
};

TEST_F(ClockStepTest, AnHourBackRepeatsNothing) {
  Pass(absl::Minutes(70), true, true);
  Step(-absl::Hours(1));
  Pass(absl::Hours(13), true, true);
  ExpectEachSlotOnce(At("2026-11-23T12:00:00Z"), agent_now());
}

TEST_F(ClockStepTest, AYearForwardAndBackLosesNothing) {
  Pass(absl::Minutes(70), true, true);
  Step(absl::Hours(24 * 365));
  Pass(absl::Minutes(10), true, true);
  const absl::Time wrong = clock_.Now();
  EXPECT_GT(Count(agent_now(), wrong).at("MISSED CONTROLLER_DOWN"), 4 * 360);
  Step(-absl::Hours(24 * 365));
  Pass(absl::Hours(72), true, true);
  ExpectEachSlotOnce(At("2026-11-23T12:00:00Z"), agent_now());
  EXPECT_THAT(Count(At("2026-11-23T12:00:00Z"), agent_now()), ElementsAre(::testing::Pair("SUCCEEDED", 13)));
}

TEST_F(ClockStepTest, AControllerThatStartsWithAWrongClockIsForgivenToo) {
  Pass(absl::Minutes(70), true, true);
  clock_.SetWallTime(clock_.Now() + absl::Hours(24 * 365));
  RestartController();
  Turn();
  clock_.SetWallTime(clock_.Now() - absl::Hours(24 * 365));
  RestartController();
  Turn();
  AgentTurn();
  Pass(absl::Hours(30), true, true);
  ExpectEachSlotOnce(At("2026-11-23T12:00:00Z"), agent_now());
}

TEST_F(ClockStepTest, AControllerThatStartedAheadOfTimeStillLosesSilentAgents) {
  clock_.SetWallTime(clock_.Now() + absl::Hours(24 * 365));
  RestartController();
  Turn();
  clock_.SetWallTime(clock_.Now() - absl::Hours(24 * 365));
  Turn();
  AgentTurn();
  Pass(absl::Hours(14), /*with_controller=*/true, /*with_agent=*/false);
  EXPECT_EQ(Count(At("2026-11-23T18:00:00Z"), At("2026-11-23T19:00:00Z")).count("LOST"), 1u);
}

}  // namespace
}  // namespace backup::server
