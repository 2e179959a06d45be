// SPDX-License-Identifier: Apache-2.0
#include "server/domain/run_advance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "server/domain/test_data.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::AgentSeenAt;
using ::backup::testing::At;
using ::backup::testing::EqualsProto;
using ::backup::testing::NightlyPolicy;
using ::backup::testing::NightlyRun;
using ::testing::HasSubstr;

class RunAdvanceTest : public ::testing::Test {
 protected:
  void SetState(v1::RunState state) {
    view_.run = NightlyRun(state);
    view_.policy = NightlyPolicy();
  }
  void Pause() { view_.policy->mutable_spec()->mutable_schedule()->set_paused(true); }
  void Overlap() {
    view_.overlapping = NightlyRun(v1::RUNNING);
    view_.overlapping->set_name("runs/before");
  }
  void Later(absl::Time slot) {
    view_.later = NightlyRun(v1::SCHEDULED);
    view_.later->set_name("runs/later");
    *view_.later->mutable_slot_time() = ToProto(slot);
    *view_.later->mutable_not_before_time() = ToProto(slot);
  }
  static std::optional<v1::Agent> Online(absl::Time now) { return AgentSeenAt("db1", now - absl::Seconds(5)); }
  static std::optional<v1::Agent> Offline() { return AgentSeenAt("db1", At("2026-11-23T20:00:00Z")); }

  const absl::Time slot_ = At("2026-11-23T22:00:00Z");
  const absl::Time deadline_ = At("2026-11-24T04:00:00Z");
  RunView view_;
};

TEST_F(RunAdvanceTest, NothingHappensAheadOfTime) {
  SetState(v1::SCHEDULED);
  Pause();
  Overlap();
  const RunChange change = AdvanceRun(view_, Offline(), {slot_ - absl::Nanoseconds(1)});
  EXPECT_THAT(change.run, EqualsProto(view_.run));
  EXPECT_TRUE(change.events.empty());
}

TEST_F(RunAdvanceTest, ADueRunIsPending) {
  SetState(v1::SCHEDULED);
  const RunChange change = AdvanceRun(view_, Online(slot_), {slot_});
  EXPECT_EQ(change.run.state(), v1::PENDING);
  EXPECT_FALSE(change.run.has_end_time());
  ASSERT_EQ(change.events.size(), 1);
  EXPECT_EQ(change.events[0].type(), "RUN_PENDING");
  EXPECT_EQ(change.events[0].actor(), "controller");
  EXPECT_EQ(change.events[0].subject(), "runs/r1");
}

TEST_F(RunAdvanceTest, JitterHoldsADueRunBack) {
  SetState(v1::SCHEDULED);
  *view_.run.mutable_not_before_time() = ToProto(slot_ + absl::Minutes(3));
  EXPECT_EQ(AdvanceRun(view_, Online(slot_), {slot_}).run.state(), v1::SCHEDULED);
}

TEST_F(RunAdvanceTest, ADueRunOfAPausedPolicyIsSkipped) {
  for (const v1::RunState state : {v1::SCHEDULED, v1::PENDING}) {
    SetState(state);
    Pause();
    const RunChange change = AdvanceRun(view_, Online(slot_), {slot_});
    EXPECT_EQ(change.run.state(), v1::SKIPPED);
    EXPECT_EQ(change.run.state_reason(), "the policy is paused");
    EXPECT_EQ(change.run.not_started_cause(), v1::POLICY_PAUSED);
    EXPECT_EQ(ToAbsl(change.run.end_time()), slot_);
    EXPECT_EQ(change.events.at(0).type(), "RUN_SKIPPED");
  }
}

TEST_F(RunAdvanceTest, ADueRunIsSkippedWhileTheOneBeforeWorks) {
  SetState(v1::SCHEDULED);
  Overlap();
  const RunChange change = AdvanceRun(view_, Online(slot_), {slot_});
  EXPECT_EQ(change.run.state(), v1::SKIPPED);
  EXPECT_EQ(change.run.state_reason(), "the run before, runs/before, was still working");
  EXPECT_EQ(change.run.not_started_cause(), v1::OVERLAP);
}

TEST_F(RunAdvanceTest, WhetherTheRunBeforeWorksIsKnownToTheAgentThatHoldsBoth) {
  SetState(v1::SCHEDULED);
  Overlap();
  view_.run.set_delivered(true);
  EXPECT_EQ(AdvanceRun(view_, Online(slot_), {slot_}).run.state(), v1::PENDING);
}

TEST_F(RunAdvanceTest, InAQueueItWaitsForTheRunBeforeUntilItsDeadline) {
  SetState(v1::SCHEDULED);
  Overlap();
  view_.run.mutable_spec()->set_overlap(v1::QUEUE_ONE);
  view_.run = AdvanceRun(view_, Online(slot_), {slot_}).run;
  EXPECT_EQ(view_.run.state(), v1::PENDING);
  EXPECT_EQ(AdvanceRun(view_, Online(slot_), {deadline_ - absl::Seconds(1)}).run.state(), v1::PENDING);
  const RunChange change = AdvanceRun(view_, Online(deadline_), {deadline_});
  EXPECT_EQ(change.run.state(), v1::SKIPPED);
  EXPECT_EQ(change.run.not_started_cause(), v1::OVERLAP);
}

TEST_F(RunAdvanceTest, OfSeveralInAQueueTheNewestStays) {
  SetState(v1::PENDING);
  Overlap();
  view_.run.mutable_spec()->set_overlap(v1::QUEUE_ONE);
  Later(slot_ + absl::Hours(1));
  EXPECT_EQ(AdvanceRun(view_, Online(slot_), {slot_ + absl::Minutes(59)}).run.state(), v1::PENDING);
  const RunChange change = AdvanceRun(view_, Online(slot_), {slot_ + absl::Hours(1)});
  EXPECT_EQ(change.run.state(), v1::SKIPPED);
  EXPECT_EQ(change.run.not_started_cause(), v1::OVERLAP);
  EXPECT_THAT(change.run.state_reason(), HasSubstr("the slot of 2026-11-23T23:00:00Z waits in its place"));
}

TEST_F(RunAdvanceTest, ALaterSlotThatIsDueStandsInForIt) {
  for (const v1::RunState state : {v1::SCHEDULED, v1::PENDING}) {
    SetState(state);
    Later(slot_ + absl::Hours(1));
    const absl::Time now = slot_ + absl::Hours(1);
    EXPECT_EQ(AdvanceRun(view_, Online(now), {now - absl::Seconds(1)}).run.state(), v1::PENDING);
    const RunChange change = AdvanceRun(view_, Online(now), {now});
    EXPECT_EQ(change.run.state(), v1::MISSED);
    EXPECT_EQ(change.run.not_started_cause(), v1::SUPERSEDED);
    EXPECT_THAT(change.run.state_reason(), HasSubstr("the slot of 2026-11-23T23:00:00Z stands in for it"));
  }
}

TEST_F(RunAdvanceTest, NothingStandsInForWhatAnAgentHoldsNorForARunByHand) {
  SetState(v1::PENDING);
  Later(slot_ + absl::Hours(1));
  const absl::Time now = slot_ + absl::Hours(1);
  view_.run.set_delivered(true);
  EXPECT_EQ(AdvanceRun(view_, Offline(), {now}).run.state(), v1::PENDING);
  EXPECT_EQ(AdvanceRun(view_, Online(now), {now}).run.state(), v1::PENDING);
  view_.run.set_delivered(false);
  view_.run.set_manual(true);
  EXPECT_EQ(AdvanceRun(view_, Online(now), {now}).run.state(), v1::PENDING);
}

TEST_F(RunAdvanceTest, ASilentAgentIsTheCauseRatherThanTheLaterSlot) {
  SetState(v1::PENDING);
  Later(slot_ + absl::Hours(1));
  const RunChange change = AdvanceRun(view_, Offline(), {slot_ + absl::Hours(1)});
  EXPECT_EQ(change.run.state(), v1::MISSED);
  EXPECT_EQ(change.run.not_started_cause(), v1::AGENT_OFFLINE);
}

TEST_F(RunAdvanceTest, ASlotWithoutAFreeMomentIsSkipped) {
  SetState(v1::SCHEDULED);
  *view_.run.mutable_not_before_time() = view_.run.start_deadline_time();
  EXPECT_EQ(AdvanceRun(view_, Online(slot_), {deadline_ - absl::Seconds(1)}).run.state(), v1::SCHEDULED);
  const RunChange change = AdvanceRun(view_, Online(deadline_), {deadline_});
  EXPECT_EQ(change.run.state(), v1::SKIPPED);
  EXPECT_EQ(change.run.not_started_cause(), v1::EXCLUDED_WINDOW);
}

TEST_F(RunAdvanceTest, WithALimitItWaitsForAPlace) {
  SetState(v1::SCHEDULED);
  EXPECT_FALSE(AdvanceRun(view_, Online(slot_), {slot_}).run.held_back());
  EXPECT_TRUE(
      AdvanceRun(view_, Online(slot_), {slot_, absl::InfinitePast(), /*fleet_is_limited=*/true}).run.held_back());
  view_.policy->mutable_spec()->mutable_schedule()->set_max_running(2);
  view_.run = AdvanceRun(view_, Online(slot_), {slot_}).run;
  EXPECT_TRUE(view_.run.held_back());
  const RunChange change = AdvanceRun(view_, Online(deadline_), {deadline_});
  EXPECT_EQ(change.run.state(), v1::MISSED);
  EXPECT_EQ(change.run.not_started_cause(), v1::NO_FREE_SLOT);
  EXPECT_FALSE(change.run.held_back());
}

TEST_F(RunAdvanceTest, ABusyAgentIsTheCauseOfAMissedRun) {
  SetState(v1::PENDING);
  std::optional<v1::Agent> agent = Online(deadline_);
  agent->set_slot_count(2);
  agent->set_active_run_count(2);
  EXPECT_EQ(AdvanceRun(view_, agent, {deadline_}).run.not_started_cause(), v1::NO_FREE_SLOT);
  agent->set_active_run_count(1);
  EXPECT_EQ(AdvanceRun(view_, agent, {deadline_}).run.not_started_cause(), v1::START_DEADLINE_PASSED);
}

TEST_F(RunAdvanceTest, WhatNobodyWatchedUntilItsDeadlineIsTheControllersFault) {
  SetState(v1::PENDING);
  const absl::Time now = deadline_ + absl::Hours(1);
  EXPECT_EQ(AdvanceRun(view_, Offline(), {now, now}).run.not_started_cause(), v1::CONTROLLER_DOWN);
  SetState(v1::SCHEDULED);
  EXPECT_EQ(AdvanceRun(view_, Offline(), {now}).run.not_started_cause(), v1::CONTROLLER_DOWN);
}

TEST_F(RunAdvanceTest, AfterAnOutageOfTheControllerAgentsHaveTimeToBeHeardOf) {
  SetState(v1::SCHEDULED);
  view_.run.set_delivered(true);
  const absl::Time up = deadline_ + absl::Hours(1);
  EXPECT_EQ(AdvanceRun(view_, Offline(), {up, up}).run.state(), v1::PENDING);
  EXPECT_EQ(AdvanceRun(view_, Offline(), {up + absl::Seconds(99), up}).run.state(), v1::PENDING);
  EXPECT_EQ(AdvanceRun(view_, Offline(), {up + absl::Seconds(100), up}).run.state(), v1::LOST);
}

TEST_F(RunAdvanceTest, OnceDueItWaitsForTheAgentToSkipIt) {
  SetState(v1::PENDING);
  Overlap();
  EXPECT_EQ(AdvanceRun(view_, Online(slot_), {slot_}).run.state(), v1::PENDING);
}

TEST_F(RunAdvanceTest, ARunByHandIsNeverSkipped) {
  for (const v1::RunState state : {v1::SCHEDULED, v1::PENDING}) {
    SetState(state);
    view_.run.set_manual(true);
    Pause();
    Overlap();
    EXPECT_EQ(AdvanceRun(view_, Online(slot_), {slot_}).run.state(), v1::PENDING);
  }
}

TEST_F(RunAdvanceTest, WhatASilentAgentHoldsIsNotSkipped) {
  // It may be at work, and its success must find a row that takes it.
  SetState(v1::SCHEDULED);
  view_.run.set_delivered(true);
  Pause();
  Overlap();
  EXPECT_EQ(AdvanceRun(view_, Offline(), {slot_}).run.state(), v1::PENDING);
  EXPECT_EQ(AdvanceRun(view_, std::nullopt, {slot_}).run.state(), v1::PENDING);
  EXPECT_EQ(AdvanceRun(view_, Online(slot_), {slot_}).run.state(), v1::SKIPPED);
}

TEST_F(RunAdvanceTest, ARunOfADeletedPolicyGoesOn) {
  SetState(v1::SCHEDULED);
  view_.policy.reset();
  EXPECT_EQ(AdvanceRun(view_, Online(slot_), {slot_}).run.state(), v1::PENDING);
}

TEST_F(RunAdvanceTest, PastItsDeadlineItIsMissedWithTheReason) {
  SetState(v1::PENDING);
  EXPECT_EQ(AdvanceRun(view_, Offline(), {deadline_ - absl::Seconds(1)}).run.state(), v1::PENDING);
  RunChange change = AdvanceRun(view_, Offline(), {deadline_});
  EXPECT_EQ(change.run.state(), v1::MISSED);
  EXPECT_EQ(change.run.state_reason(), "the agent agents/db1 has not been heard of since 2026-11-23T20:00:00Z");
  EXPECT_EQ(change.run.not_started_cause(), v1::AGENT_OFFLINE);
  EXPECT_FALSE(change.run.has_failure());
  EXPECT_EQ(change.events.at(0).type(), "RUN_MISSED");
  change = AdvanceRun(view_, Online(deadline_), {deadline_});
  EXPECT_THAT(change.run.state_reason(), HasSubstr("had no free slot"));
  change = AdvanceRun(view_, std::nullopt, {deadline_});
  EXPECT_THAT(change.run.state_reason(), HasSubstr("is not known"));
  v1::Agent never;
  never.set_name("agents/db1");
  change = AdvanceRun(view_, never, {deadline_});
  EXPECT_THAT(change.run.state_reason(), HasSubstr("was never heard of"));
  EXPECT_EQ(change.run.not_started_cause(), v1::AGENT_UNKNOWN);
}

TEST_F(RunAdvanceTest, LongOverdueItIsMissedInOneStep) {
  SetState(v1::SCHEDULED);
  const RunChange change = AdvanceRun(view_, Offline(), {deadline_ + absl::Hours(30)});
  EXPECT_EQ(change.run.state(), v1::MISSED);
  ASSERT_EQ(change.events.size(), 1);
  EXPECT_EQ(change.events[0].type(), "RUN_MISSED");
}

TEST_F(RunAdvanceTest, WhatASilentAgentHoldsIsLostAtTheDeadline) {
  SetState(v1::PENDING);
  view_.run.set_delivered(true);
  const RunChange change = AdvanceRun(view_, Offline(), {deadline_});
  EXPECT_EQ(change.run.state(), v1::LOST);
  EXPECT_EQ(change.run.failure().cause(), v1::AGENT_LOST);
  EXPECT_THAT(change.run.failure().message(), HasSubstr("has not said what became of it"));
  EXPECT_EQ(change.run.state_reason(), change.run.failure().message());
  EXPECT_EQ(change.events.at(0).type(), "RUN_LOST");
}

TEST_F(RunAdvanceTest, ALostRunStillSaysWhyTheAttemptBeforeFailed) {
  SetState(v1::PENDING);
  view_.run.set_delivered(true);
  view_.run.set_retry_count(1);
  view_.run.mutable_failure()->set_cause(v1::NETWORK);
  view_.run.mutable_failure()->set_message("the connection broke");
  const RunChange change = AdvanceRun(view_, Offline(), {deadline_});
  EXPECT_EQ(change.run.failure().cause(), v1::AGENT_LOST);
  EXPECT_THAT(change.run.failure().message(), HasSubstr("; the attempt before: NETWORK: the connection broke"));
}

TEST_F(RunAdvanceTest, AnAgentThatIsHeardOfHasAMinuteToReport) {
  SetState(v1::PENDING);
  view_.run.set_delivered(true);
  absl::Time now = deadline_ + absl::Seconds(59);
  EXPECT_EQ(AdvanceRun(view_, Online(now), {now}).run.state(), v1::PENDING);
  now = deadline_ + absl::Seconds(60);
  EXPECT_EQ(AdvanceRun(view_, Online(now), {now}).run.state(), v1::LOST);
}

TEST_F(RunAdvanceTest, AHeldRunToBeCancelledIsCancelledAtTheLatestAtTheDeadline) {
  SetState(v1::PENDING);
  view_.run.set_delivered(true);
  view_.run.set_cancel_requested(true);
  view_.run.set_state_reason("cancelled by users/admin");
  EXPECT_EQ(AdvanceRun(view_, Online(slot_), {slot_}).run.state(), v1::PENDING);
  const RunChange change = AdvanceRun(view_, Online(deadline_), {deadline_});
  EXPECT_EQ(change.run.state(), v1::CANCELLED);
  EXPECT_EQ(change.run.state_reason(), "cancelled by users/admin");
}

TEST_F(RunAdvanceTest, ALeaseThatEndsLosesTheRun) {
  SetState(v1::RUNNING);
  view_.run.set_attempt_id("a1");
  *view_.run.mutable_lease_end_time() = ToProto(slot_ + absl::Minutes(1));
  EXPECT_EQ(AdvanceRun(view_, Offline(), {slot_ + absl::Seconds(59)}).run.state(), v1::RUNNING);
  const RunChange change = AdvanceRun(view_, Offline(), {slot_ + absl::Minutes(1)});
  EXPECT_EQ(change.run.state(), v1::LOST);
  EXPECT_EQ(change.run.failure().cause(), v1::AGENT_LOST);
  EXPECT_FALSE(change.run.has_lease_end_time());
  EXPECT_EQ(change.run.attempt_id(), "a1");  // So that its late report is known.
  EXPECT_EQ(change.events.at(0).type(), "RUN_LOST");
}

TEST_F(RunAdvanceTest, ARowWithoutDeadlineWaits) {
  SetState(v1::PENDING);
  view_.run.clear_start_deadline_time();
  EXPECT_EQ(AdvanceRun(view_, Offline(), {deadline_ + absl::Hours(1000)}).run.state(), v1::PENDING);
}

TEST_F(RunAdvanceTest, ADueDrillTakesTheNewestGoodBackup) {
  SetState(v1::SCHEDULED);
  view_.run.set_kind(v1::DRILL);
  view_.last_good.emplace();
  view_.last_good->set_name("backups/20261123T210000Z-r0");
  view_.last_good->set_manifest_sha256("abc");

  const RunChange change = AdvanceRun(view_, Online(slot_), {slot_});

  EXPECT_EQ(change.run.state(), v1::PENDING);
  EXPECT_EQ(change.run.backup(), "backups/20261123T210000Z-r0");
  EXPECT_EQ(change.run.spec().backup_id(), "20261123T210000Z-r0");
  EXPECT_EQ(change.run.spec().manifest_sha256(), "abc");
}

TEST_F(RunAdvanceTest, ADueDrillWithoutAGoodBackupIsSkippedWithTheReason) {
  SetState(v1::SCHEDULED);
  view_.run.set_kind(v1::DRILL);

  const RunChange change = AdvanceRun(view_, Online(slot_), {slot_});

  EXPECT_EQ(change.run.state(), v1::SKIPPED);
  EXPECT_EQ(change.run.state_reason(), "the database has no good backup to restore");
  EXPECT_EQ(change.run.not_started_cause(), v1::NO_GOOD_BACKUP);
}

}  // namespace
}  // namespace backup::server
