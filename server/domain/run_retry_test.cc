// SPDX-License-Identifier: Apache-2.0
#include "server/domain/run_retry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "server/domain/run_advance.h"
#include "server/domain/run_attempt.h"
#include "server/domain/run_cancel.h"
#include "server/domain/run_completion.h"
#include "server/domain/test_data.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::AgentSeenAt;
using ::backup::testing::At;
using ::backup::testing::EqualsProto;
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::NightlyAttempt;
using ::backup::testing::NightlyPolicy;
using ::backup::testing::NightlyRun;
using ::backup::testing::NightlySuccess;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Attempt a1 of epoch 3 works, under a policy that allows three attempts.
class RunRetryTest : public ::testing::Test {
 protected:
  RunRetryTest() {
    view_.run = NightlyRun(v1::RUNNING);
    view_.run.set_attempt_id("a1");
    view_.run.set_delivered(true);
    *view_.run.mutable_start_time() = ToProto(At("2026-11-23T22:00:00Z"));
    view_.run.mutable_progress()->set_plain_bytes(5);
    view_.policy = NightlyPolicy();
    retry()->set_attempts(3);
    *retry()->mutable_backoff() = ToProto(absl::Minutes(2));
    result_.set_state(v1::FAILED);
    result_.mutable_failure()->set_cause(v1::NETWORK);
    result_.mutable_failure()->set_message("the connection broke");
  }

  v1::RetrySpec* retry() { return view_.policy->mutable_spec()->mutable_schedule()->mutable_retry(); }
  // The run after the attempt that holds it reported the result; the view is then of that.
  v1::Run Report() {
    v1::AttemptRef attempt = NightlyAttempt();
    attempt.set_epoch(view_.run.epoch());
    attempt.set_attempt_id(view_.run.attempt_id());
    const absl::StatusOr<RunChange> change = CompleteRun(view_, attempt, result_, now_);
    EXPECT_THAT(change, IsOk());
    events_ = change->events;
    return view_.run = change->run;
  }
  void Start(const std::string& attempt_id) {
    v1::AttemptProgress progress;
    *progress.mutable_attempt() = NightlyAttempt();
    progress.mutable_attempt()->set_attempt_id(attempt_id);
    progress.mutable_attempt()->set_epoch(view_.run.epoch());
    const absl::StatusOr<RunChange> change = StartOrExtendRun(view_, progress, now_, absl::Minutes(1));
    ASSERT_THAT(change, IsOk());
    view_.run = change->run;
  }

  absl::Time now_ = At("2026-11-23T22:05:00Z");
  RunView view_;
  v1::RunResult result_;
  std::vector<v1::Event> events_;
};

TEST_F(RunRetryTest, AFailureThatMayPassIsFollowedByAnotherAttempt) {
  const v1::Run run = Report();

  EXPECT_EQ(run.state(), v1::PENDING);
  EXPECT_EQ(run.epoch(), 4);
  EXPECT_EQ(run.retry_count(), 1);
  EXPECT_EQ(ToAbsl(run.not_before_time()), now_ + absl::Minutes(2));
  EXPECT_EQ(run.failure().cause(), v1::NETWORK) << "so that people see why";
  EXPECT_FALSE(run.delivered());
  EXPECT_EQ(run.attempt_id(), "");
  EXPECT_FALSE(run.has_start_time());
  EXPECT_FALSE(run.has_end_time());
  EXPECT_FALSE(run.has_progress());
  ASSERT_EQ(events_.size(), 1u);
  EXPECT_EQ(events_[0].type(), "RUN_RETRIED");
  EXPECT_THAT(events_[0].message(), HasSubstr("NETWORK: the connection broke"));
  EXPECT_THAT(events_[0].message(), HasSubstr("attempt 2 of 3"));
}

TEST_F(RunRetryTest, TheWaitDoublesUpToAnHourAndTheAttemptsEnd) {
  retry()->set_attempts(10);
  *retry()->mutable_backoff() = ToProto(absl::Minutes(20));
  std::vector<absl::Duration> waits;
  while (Report().state() == v1::PENDING) {
    waits.push_back(ToAbsl(view_.run.not_before_time()) - now_);
    Start("b");
  }
  EXPECT_EQ(view_.run.state(), v1::FAILED);
  EXPECT_EQ(view_.run.retry_count(), 9);
  EXPECT_EQ(events_.at(0).type(), "RUN_FAILED");
  const auto m = [](int n) { return absl::Minutes(n); };
  EXPECT_THAT(waits, ElementsAre(m(20), m(40), m(60), m(60), m(60), m(60), m(60), m(60), m(60)));
}

TEST_F(RunRetryTest, ASecondAttemptMaySucceed) {
  Report();
  Start("a2");
  EXPECT_FALSE(view_.run.has_failure()) << "it works again";
  v1::RunResult success = NightlySuccess();
  success.mutable_manifest()->set_attempt_id("a2");
  success.mutable_manifest()->set_epoch(4);
  result_ = success;
  EXPECT_EQ(Report().state(), v1::SUCCEEDED);
  EXPECT_EQ(view_.run.retry_count(), 1);
}

TEST_F(RunRetryTest, ARepeatedReportOfTheOldAttemptChangesNothing) {
  Report();
  const v1::Run waiting = view_.run;
  for (const bool started : {false, true}) {
    if (started) {
      Start("a2");
    }
    const absl::StatusOr<RunChange> again = CompleteRun(view_, NightlyAttempt(), result_, now_);
    ASSERT_THAT(again, IsOk());
    EXPECT_THAT(again->run, EqualsProto(view_.run));
    EXPECT_THAT(again->events, IsEmpty());
  }
  EXPECT_EQ(waiting.epoch(), view_.run.epoch());
}

TEST_F(RunRetryTest, TheOldAttemptCannotComeBackToLife) {
  Report();
  v1::AttemptProgress progress;
  *progress.mutable_attempt() = NightlyAttempt();
  EXPECT_THAT(StartOrExtendRun(view_, progress, now_, absl::Minutes(1)), HasReason("STALE_EPOCH"));
  v1::AttemptRef other = NightlyAttempt();
  other.set_attempt_id("zz");
  EXPECT_THAT(CompleteRun(view_, other, result_, now_), HasReason("STALE_EPOCH"));
}

TEST_F(RunRetryTest, OnlyCausesThatMayPassAreTriedAgain) {
  for (int value = v1::FailureCause_MIN; value <= v1::FailureCause_MAX; ++value) {
    const auto cause = static_cast<v1::FailureCause>(value);
    view_.run.set_state(v1::FAILED);
    view_.run.mutable_failure()->set_cause(cause);
    EXPECT_EQ(RetryRun(view_.run, view_.policy, now_).has_value(), MayPass(cause)) << v1::FailureCause_Name(cause);
  }
  EXPECT_TRUE(MayPass(v1::DISK_FULL));
  EXPECT_FALSE(MayPass(v1::AUTH));
  EXPECT_FALSE(MayPass(v1::CORRUPT));
}

TEST_F(RunRetryTest, NothingIsTriedAgainThatShouldNotBe) {
  const RunView good = view_;
  const std::vector<std::function<void()>> spoilers = {
      [&] { view_.policy.reset(); },
      [&] { view_.policy->mutable_spec()->mutable_schedule()->clear_retry(); },
      [&] { view_.policy->mutable_spec()->mutable_schedule()->set_paused(true); },
      [&] { retry()->set_attempts(1); },
      [&] { view_.run.set_manual(true); },
      [&] { view_.run.set_cancel_requested(true); },
      [&] { view_.run.set_retry_count(2); },
      [&] { *view_.run.mutable_start_deadline_time() = ToProto(now_ + absl::Minutes(2)); },
  };
  for (const auto& spoil : spoilers) {
    view_ = good;
    spoil();
    EXPECT_EQ(Report().state(), v1::FAILED);
  }
}

TEST_F(RunRetryTest, AnotherAttemptKeepsOutOfExcludedSpans) {
  v1::TimeSpan& span = *view_.run.mutable_spec()->add_not_during();
  *span.mutable_start_time() = ToProto(now_);
  *span.mutable_end_time() = ToProto(now_ + absl::Hours(1));
  EXPECT_EQ(ToAbsl(Report().not_before_time()), now_ + absl::Hours(1));
}

TEST_F(RunRetryTest, WhenNoOtherAttemptStartsTheRunHasFailed) {
  Report();
  const absl::Time deadline = ToAbsl(view_.run.start_deadline_time());
  const RunChange change = AdvanceRun(view_, AgentSeenAt("db1", now_), {deadline});
  EXPECT_EQ(change.run.state(), v1::FAILED);
  EXPECT_EQ(change.run.failure().cause(), v1::NETWORK);
  EXPECT_THAT(change.run.failure().message(), HasSubstr("the connection broke; no attempt followed: the agent"));
  EXPECT_EQ(change.run.not_started_cause(), v1::NOT_STARTED_CAUSE_UNSPECIFIED);
  EXPECT_EQ(change.events.at(0).type(), "RUN_FAILED");
}

TEST_F(RunRetryTest, AnAgentThatDidNotStartAgainLeavesAFailedRun) {
  Report();
  v1::RunResult missed;
  missed.set_state(v1::MISSED);
  missed.set_state_reason("no slot was free");
  v1::AttemptRef attempt = NightlyAttempt();
  attempt.set_epoch(4);
  attempt.set_attempt_id("a2");
  const absl::StatusOr<RunChange> change = CompleteRun(view_, attempt, missed, now_);
  ASSERT_THAT(change, IsOk());
  EXPECT_EQ(change->run.state(), v1::FAILED);
  EXPECT_EQ(change->run.failure().cause(), v1::NETWORK);
}

}  // namespace
}  // namespace backup::server
