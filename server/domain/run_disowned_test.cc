// SPDX-License-Identifier: Apache-2.0
#include "server/domain/run_disowned.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "server/domain/test_data.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::At;
using ::backup::testing::EqualsProto;
using ::backup::testing::NightlyRun;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// A run of which nothing is known but that its agent was told of it.
class RunDisownedTest : public ::testing::Test {
 protected:
  RunDisownedTest() {
    run() = NightlyRun(v1::LOST);
    run().set_delivered(true);
    run().clear_attempt_id();
    run().mutable_failure()->set_cause(v1::AGENT_LOST);
    run().mutable_failure()->set_message("silence");
  }
  v1::Run& run() { return view_.run; }
  void ExpectUnchanged(absl::Time now, const std::set<std::string>& unfinished = {}) {
    const RunChange change = DisownRun(view_, unfinished, now);
    EXPECT_THAT(change.run, EqualsProto(run()));
    EXPECT_THAT(change.events, SizeIs(0));
  }

  const absl::Time deadline_ = At("2026-11-24T04:00:00Z");
  RunView view_;
};

TEST_F(RunDisownedTest, ALostRunThatItsAgentKnowsNothingOfWasMissed) {
  const RunChange change = DisownRun(view_, {"runs/another"}, deadline_);

  EXPECT_EQ(change.run.state(), v1::MISSED);
  EXPECT_EQ(change.run.not_started_cause(), v1::AGENT_OFFLINE);
  EXPECT_THAT(change.run.state_reason(), HasSubstr("it was given to agents/db1, which has nothing of it"));
  EXPECT_FALSE(change.run.has_failure());
  EXPECT_FALSE(change.run.delivered());
  ASSERT_THAT(change.events, SizeIs(1));
  EXPECT_EQ(change.events[0].type(), "RUN_MISSED");
}

TEST_F(RunDisownedTest, SoWasOneThatStillWaitsForAWord) {
  run().set_state(v1::PENDING);
  run().clear_failure();
  EXPECT_EQ(DisownRun(view_, {}, deadline_).run.state(), v1::MISSED);
}

TEST_F(RunDisownedTest, OneThatFailedBeforeHasFailed) {
  run().set_retry_count(1);
  const RunChange change = DisownRun(view_, {}, deadline_);
  EXPECT_EQ(change.run.state(), v1::FAILED);
  EXPECT_THAT(change.run.failure().message(), HasSubstr("silence; no attempt followed: it was given to agents/db1"));
}

TEST_F(RunDisownedTest, OneThatWasToBeCancelledIs) {
  run().set_cancel_requested(true);
  run().set_retry_count(1);
  const RunChange change = DisownRun(view_, {}, deadline_);
  EXPECT_EQ(change.run.state(), v1::CANCELLED);
  EXPECT_EQ(change.run.not_started_cause(), v1::NOT_STARTED_CAUSE_UNSPECIFIED);
  EXPECT_FALSE(change.run.has_failure());
}

TEST_F(RunDisownedTest, WhatTheAgentHasNotDoneWithIsWaitedFor) { ExpectUnchanged(deadline_, {run().name()}); }

TEST_F(RunDisownedTest, BeforeItsDeadlineTheAgentIsToldAgain) {
  run().set_state(v1::PENDING);
  ExpectUnchanged(deadline_ - absl::Nanoseconds(1));
  run().clear_start_deadline_time();
  ExpectUnchanged(absl::InfiniteFuture());
}

TEST_F(RunDisownedTest, OneThatStartedIsNotDisowned) {
  run().set_attempt_id("0123456789abcdef");
  ExpectUnchanged(deadline_);
}

TEST_F(RunDisownedTest, OneThatNoAgentWasToldOfHasItsOwnEnd) {
  run().set_state(v1::PENDING);
  run().set_delivered(false);
  ExpectUnchanged(deadline_);
}

TEST_F(RunDisownedTest, WhatHasEndedOtherwiseStays) {
  for (const v1::RunState state : {v1::SUCCEEDED, v1::FAILED, v1::CANCELLED, v1::MISSED, v1::SKIPPED, v1::SCHEDULED}) {
    run().set_state(state);
    ExpectUnchanged(deadline_);
  }
}

}  // namespace
}  // namespace backup::server
