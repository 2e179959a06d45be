// SPDX-License-Identifier: Apache-2.0
#include "agent/held_runs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/testing/fake_controller_link.h"
#include "base/proto_json.h"

namespace backup::agent {
namespace {

using ::backup::testing::MakeDesiredRun;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const absl::Time kStart = absl::FromUnixSeconds(1'795'000'000);

v1::DesiredRun RunAt(const std::string& id, const std::string& database, absl::Duration from_now) {
  return MakeDesiredRun(id, database, kStart + from_now);
}

ActiveAttempt Working(const v1::DesiredRun& run) { return {run.run(), run.database(), run.policy(), run.kind()}; }

std::vector<std::string> StartedBy(const HeldRunsPlan& plan) {
  std::vector<std::string> names;
  for (const v1::DesiredRun& run : plan.start) {
    names.push_back(run.run());
  }
  return names;
}

TEST(PlanHeldRunsTest, StartsARunAtItsTimeAndNotBefore) {
  const v1::DesiredRun run = RunAt("a", "orders", absl::ZeroDuration());

  EXPECT_THAT(StartedBy(PlanHeldRuns({run}, {}, {}, kStart)), ElementsAre("runs/a"));

  const HeldRunsPlan early = PlanHeldRuns({run}, {}, {}, kStart - absl::Nanoseconds(1));
  EXPECT_THAT(early.start, IsEmpty());
  EXPECT_THAT(early.not_started, IsEmpty());
  EXPECT_EQ(early.next_time, kStart);
}

TEST(PlanHeldRunsTest, StartsUntilTheDeadlineAndMissesFromItOn) {
  const v1::DesiredRun run = RunAt("a", "orders", absl::ZeroDuration());
  const absl::Time deadline = kStart + absl::Hours(6);

  EXPECT_THAT(StartedBy(PlanHeldRuns({run}, {}, {}, deadline - absl::Nanoseconds(1))), ElementsAre("runs/a"));

  const HeldRunsPlan late = PlanHeldRuns({run}, {}, {}, deadline);
  EXPECT_THAT(late.start, IsEmpty());
  ASSERT_EQ(late.not_started.size(), 1u);
  EXPECT_EQ(late.not_started[0].state, v1::MISSED);
}

TEST(PlanHeldRunsTest, SaysWhyARunWasMissed) {
  const v1::DesiredRun run = RunAt("a", "orders", -absl::Hours(7));
  const v1::DesiredRun same_database = RunAt("b", "orders", -absl::Hours(8));
  const v1::DesiredRun other_database = RunAt("c", "shop", -absl::Hours(8));
  struct Case {
    std::vector<ActiveAttempt> active;
    HeldRunLimits limits;
    v1::NotStartedCause cause;
    std::string reason;
  };
  ActiveAttempt drill = Working(same_database);
  drill.kind = v1::DRILL;
  const std::vector<Case> cases = {
      {{}, {1, kStart}, v1::AGENT_OFFLINE, "the agent was not running until its start deadline"},
      {{drill}, {2, absl::InfinitePast()}, v1::NO_FREE_SLOT, "the database was busy with runs/b until"},
      {{Working(other_database)}, {1, absl::InfinitePast()}, v1::NO_FREE_SLOT, "no slot was free until"},
      {{}, {1, absl::InfinitePast()}, v1::START_DEADLINE_PASSED, "the agent could not act until"},
  };
  for (const Case& c : cases) {
    const HeldRunsPlan plan = PlanHeldRuns({run}, c.active, c.limits, kStart);

    ASSERT_EQ(plan.not_started.size(), 1u) << c.reason;
    EXPECT_EQ(plan.not_started[0].state, v1::MISSED);
    EXPECT_EQ(plan.not_started[0].cause, c.cause);
    EXPECT_THAT(plan.not_started[0].reason, HasSubstr(c.reason));
  }
}

TEST(PlanHeldRunsTest, KeepsToTheSlotsOldestFirstAndWaitsForOne) {
  const std::vector<v1::DesiredRun> held = {RunAt("a", "one", -absl::Minutes(1)), RunAt("b", "two", -absl::Minutes(3)),
                                            RunAt("c", "three", -absl::Minutes(2))};

  const HeldRunsPlan plan = PlanHeldRuns(held, {}, {2}, kStart);

  EXPECT_THAT(StartedBy(plan), ElementsAre("runs/b", "runs/c"));
  EXPECT_THAT(plan.not_started, IsEmpty());
  EXPECT_EQ(plan.next_time, kStart - absl::Minutes(1) + absl::Hours(6)) << "the deadline of the one that waits";
}

TEST(PlanHeldRunsTest, WhatWasAskedForByHandStartsAtOnceThoughTheControllersClockIsAhead) {
  v1::DesiredRun run = RunAt("a", "orders", absl::Hours(1));
  run.set_manual(true);
  *run.mutable_slot_time() = run.not_before_time();
  EXPECT_THAT(StartedBy(PlanHeldRuns({run}, {}, {}, kStart)), ElementsAre("runs/a"));
  *run.mutable_not_before_time() = ToProto(kStart + absl::Hours(2));  // Put off: it is tried again.
  EXPECT_THAT(PlanHeldRuns({run}, {}, {}, kStart).start, IsEmpty());
  *run.mutable_not_before_time() = run.slot_time();
  run.set_manual(false);
  EXPECT_THAT(PlanHeldRuns({run}, {}, {}, kStart).start, IsEmpty());
}

TEST(PlanHeldRunsTest, DeletionsWaitForBackups) {
  v1::DesiredRun deletion = RunAt("a", "orders", -absl::Hours(1));
  deletion.set_manual(true);
  deletion.set_kind(v1::DELETE);
  const v1::DesiredRun backup = RunAt("b", "orders", absl::ZeroDuration());
  EXPECT_THAT(StartedBy(PlanHeldRuns({deletion, backup}, {}, {}, kStart)), ElementsAre("runs/b"));
  EXPECT_THAT(StartedBy(PlanHeldRuns({backup, deletion}, {}, {}, kStart)), ElementsAre("runs/b"));
}

TEST(PlanHeldRunsTest, LetsAPersonsRunGoFirst) {
  v1::DesiredRun by_hand = RunAt("z", "two", absl::ZeroDuration());
  by_hand.set_manual(true);

  EXPECT_THAT(StartedBy(PlanHeldRuns({RunAt("a", "one", -absl::Hours(1)), by_hand}, {}, {1}, kStart)),
              ElementsAre("runs/z"));
}

TEST(PlanHeldRunsTest, SkipsASlotWhileThePolicyStillWorksOnTheDatabase) {
  const v1::DesiredRun working = RunAt("a", "orders", -absl::Hours(1));

  const HeldRunsPlan plan = PlanHeldRuns({RunAt("b", "orders", absl::ZeroDuration())}, {Working(working)}, {4}, kStart);

  EXPECT_THAT(plan.start, IsEmpty());
  ASSERT_EQ(plan.not_started.size(), 1u);
  EXPECT_EQ(plan.not_started[0].state, v1::SKIPPED);
  EXPECT_THAT(plan.not_started[0].reason, HasSubstr("runs/a"));
}

TEST(PlanHeldRunsTest, TheNewestOfSeveralDueSlotsStandsInForTheOthers) {
  const HeldRunsPlan plan = PlanHeldRuns({RunAt("b", "orders", -absl::Hours(2)), RunAt("c", "orders", -absl::Hours(1)),
                                          RunAt("a", "orders", -absl::Hours(3)), RunAt("d", "shop", -absl::Hours(4)),
                                          RunAt("e", "orders", absl::Hours(1)), RunAt("f", "orders", -absl::Hours(6))},
                                         {}, {4}, kStart);

  EXPECT_THAT(StartedBy(plan), ElementsAre("runs/d", "runs/c"));
  ASSERT_EQ(plan.not_started.size(), 3u);
  EXPECT_EQ(plan.not_started[0].run.run(), "runs/f");
  EXPECT_EQ(plan.not_started[0].cause, v1::START_DEADLINE_PASSED) << "its deadline is over";
  for (int i = 1; i < 3; ++i) {
    EXPECT_EQ(plan.not_started[i].state, v1::MISSED);
    EXPECT_EQ(plan.not_started[i].cause, v1::SUPERSEDED);
    EXPECT_THAT(plan.not_started[i].reason, HasSubstr("stands in for it"));
  }
}

TEST(PlanHeldRunsTest, NothingStandsInForARunByHandOrOfAnotherPolicyOrKind) {
  v1::DesiredRun by_hand = RunAt("a", "orders", -absl::Hours(3));
  by_hand.set_manual(true);
  by_hand.clear_policy();
  v1::DesiredRun other_policy = RunAt("b", "orders", -absl::Hours(2));
  other_policy.set_policy("policies/weekly");
  v1::DesiredRun drill = RunAt("c", "orders", -absl::Hours(2));
  drill.set_kind(v1::DRILL);

  const HeldRunsPlan plan =
      PlanHeldRuns({by_hand, other_policy, drill, RunAt("d", "orders", absl::ZeroDuration())}, {}, {4}, kStart);

  EXPECT_THAT(StartedBy(plan), ElementsAre("runs/a"));
  EXPECT_THAT(plan.not_started, IsEmpty());
}

TEST(PlanHeldRunsTest, ADrillAtWorkSkipsNoBackup) {
  ActiveAttempt drill = Working(RunAt("a", "orders", -absl::Hours(1)));
  drill.kind = v1::DRILL;

  const HeldRunsPlan plan = PlanHeldRuns({RunAt("b", "orders", absl::ZeroDuration())}, {drill}, {4}, kStart);

  EXPECT_THAT(plan.start, IsEmpty());
  EXPECT_THAT(plan.not_started, IsEmpty()) << "it waits for the database";
}

TEST(PlanHeldRunsTest, InAQueueTheNewestWaitsForTheRunBefore) {
  const v1::DesiredRun working = RunAt("a", "orders", -absl::Hours(3));
  std::vector<v1::DesiredRun> held = {RunAt("b", "orders", -absl::Hours(2)), RunAt("c", "orders", -absl::Hours(1))};
  for (v1::DesiredRun& run : held) {
    run.mutable_spec()->set_overlap(v1::QUEUE_ONE);
  }

  const HeldRunsPlan plan = PlanHeldRuns(held, {Working(working)}, {4}, kStart);

  EXPECT_THAT(plan.start, IsEmpty());
  ASSERT_EQ(plan.not_started.size(), 1u);
  EXPECT_EQ(plan.not_started[0].run.run(), "runs/b");
  EXPECT_EQ(plan.not_started[0].state, v1::SKIPPED);
  EXPECT_EQ(plan.not_started[0].cause, v1::OVERLAP);
  EXPECT_EQ(plan.next_time, kStart + absl::Hours(5)) << "its start deadline";

  held.erase(held.begin());
  EXPECT_THAT(StartedBy(PlanHeldRuns(held, {}, {4}, kStart)), ElementsAre("runs/c")) << "the run before has ended";

  const HeldRunsPlan late = PlanHeldRuns(held, {Working(working)}, {4}, kStart + absl::Hours(5));
  ASSERT_EQ(late.not_started.size(), 1u);
  EXPECT_EQ(late.not_started[0].state, v1::SKIPPED);
}

TEST(PlanHeldRunsTest, KeepsOutOfExcludedSpans) {
  v1::DesiredRun run = RunAt("a", "orders", -absl::Hours(1));
  v1::TimeSpan& span = *run.mutable_spec()->add_not_during();
  *span.mutable_start_time() = ToProto(kStart);
  *span.mutable_end_time() = ToProto(kStart + absl::Hours(1));

  EXPECT_THAT(StartedBy(PlanHeldRuns({run}, {}, {}, kStart - absl::Seconds(1))), ElementsAre("runs/a"));
  const HeldRunsPlan within = PlanHeldRuns({run}, {}, {}, kStart);
  EXPECT_THAT(within.start, IsEmpty());
  EXPECT_THAT(within.not_started, IsEmpty());
  EXPECT_EQ(within.next_time, kStart + absl::Hours(1));
  EXPECT_THAT(StartedBy(PlanHeldRuns({run}, {}, {}, kStart + absl::Hours(1))), ElementsAre("runs/a"));
}

TEST(PlanHeldRunsTest, MakesAnotherPolicyAndAPersonWaitForTheDatabase) {
  const v1::DesiredRun working = RunAt("a", "orders", -absl::Hours(1));
  v1::DesiredRun other_policy = RunAt("b", "orders", absl::ZeroDuration());
  other_policy.set_policy("policies/weekly");
  v1::DesiredRun by_hand = RunAt("c", "orders", absl::ZeroDuration());
  by_hand.set_manual(true);

  const HeldRunsPlan plan = PlanHeldRuns({other_policy, by_hand}, {Working(working)}, {4}, kStart);

  EXPECT_THAT(plan.start, IsEmpty());
  EXPECT_THAT(plan.not_started, IsEmpty());
}

TEST(PlanHeldRunsTest, NeverStartsTwoRunsOfOneDatabaseAtOnce) {
  v1::DesiredRun other_policy = RunAt("b", "orders", absl::ZeroDuration());
  other_policy.set_policy("policies/weekly");

  EXPECT_THAT(StartedBy(PlanHeldRuns({RunAt("a", "orders", absl::ZeroDuration()), other_policy}, {}, {4}, kStart)),
              ElementsAre("runs/a"));
}

TEST(PlanHeldRunsTest, MakesANewEpochWaitForTheAttemptUnderTheOldOne) {
  v1::DesiredRun again = RunAt("a", "orders", absl::ZeroDuration());
  again.set_epoch(2);

  const HeldRunsPlan plan = PlanHeldRuns({again}, {Working(RunAt("a", "orders", absl::ZeroDuration()))}, {4}, kStart);

  EXPECT_THAT(plan.start, IsEmpty());
  EXPECT_THAT(plan.not_started, IsEmpty());
}

TEST(PlanHeldRunsTest, TakesARunWithoutTimesAsDue) {
  v1::DesiredRun run = RunAt("a", "orders", absl::ZeroDuration());
  run.clear_not_before_time();
  run.clear_start_deadline_time();

  EXPECT_THAT(StartedBy(PlanHeldRuns({run}, {}, {}, kStart)), ElementsAre("runs/a"));
}

TEST(PlanHeldRunsTest, HasNothingToWaitForWithoutRuns) {
  EXPECT_EQ(PlanHeldRuns({}, {}, {}, kStart).next_time, absl::InfiniteFuture());
}

}  // namespace
}  // namespace backup::agent
