// SPDX-License-Identifier: Apache-2.0
#include "server/domain/run_attempt.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "server/domain/test_data.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::At;
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::NightlyAttempt;
using ::backup::testing::NightlyRun;

class RunAttemptTest : public ::testing::Test {
 protected:
  RunAttemptTest() {
    *attempt_.mutable_attempt() = NightlyAttempt();
    *attempt_.mutable_start_time() = ToProto(now_ - absl::Seconds(2));
    attempt_.mutable_progress()->set_plain_bytes(1000);
    view_.run = NightlyRun(v1::PENDING);
  }

  RunChange Report() {
    absl::StatusOr<RunChange> change = StartOrExtendRun(view_, attempt_, now_, absl::Seconds(60));
    EXPECT_THAT(change, IsOk());
    return change.ok() ? *change : RunChange();
  }

  absl::Time now_ = At("2026-11-23T22:00:05Z");
  v1::AttemptProgress attempt_;
  RunView view_;
};

TEST_F(RunAttemptTest, TheFirstWordStartsTheRun) {
  const RunChange change = Report();
  EXPECT_EQ(change.run.state(), v1::RUNNING);
  EXPECT_EQ(change.run.attempt_id(), "a1");
  EXPECT_TRUE(change.run.delivered());
  EXPECT_EQ(ToAbsl(change.run.start_time()), now_ - absl::Seconds(2));
  EXPECT_EQ(ToAbsl(change.run.lease_end_time()), now_ + absl::Seconds(60));
  EXPECT_EQ(change.run.progress().plain_bytes(), 1000);
  ASSERT_EQ(change.events.size(), 1);
  EXPECT_EQ(change.events[0].type(), "RUN_STARTED");
  EXPECT_EQ(change.events[0].actor(), "agents/db1");
}

TEST_F(RunAttemptTest, TheNextExtendItWithoutAnEvent) {
  view_.run = Report().run;
  now_ += absl::Seconds(30);
  *attempt_.mutable_start_time() = ToProto(now_);  // The first word on it stays.
  const RunChange change = Report();
  EXPECT_EQ(ToAbsl(change.run.lease_end_time()), now_ + absl::Seconds(60));
  EXPECT_EQ(ToAbsl(change.run.start_time()), At("2026-11-23T22:00:03Z"));
  EXPECT_TRUE(change.events.empty());
}

TEST_F(RunAttemptTest, ALostRunGoesOn) {
  view_.run = Report().run;
  view_.run.set_state(v1::LOST);
  view_.run.set_state_reason("silent");
  view_.run.mutable_failure()->set_cause(v1::AGENT_LOST);
  *view_.run.mutable_end_time() = ToProto(now_);
  const RunChange change = Report();
  EXPECT_EQ(change.run.state(), v1::RUNNING);
  EXPECT_FALSE(change.run.has_failure());
  EXPECT_FALSE(change.run.has_end_time());
  EXPECT_EQ(change.run.state_reason(), "");
  EXPECT_EQ(change.events.at(0).type(), "RUN_RESUMED");
}

TEST_F(RunAttemptTest, AWishToCancelSurvives) {
  view_.run.set_cancel_requested(true);
  view_.run.set_state_reason("cancelled by users/admin");
  const RunChange change = Report();
  EXPECT_TRUE(change.run.cancel_requested());
  EXPECT_EQ(change.run.state_reason(), "cancelled by users/admin");
}

TEST_F(RunAttemptTest, AnAttemptWithoutProgressKeepsTheLastWord) {
  view_.run = Report().run;
  attempt_.clear_progress();
  EXPECT_EQ(Report().run.progress().plain_bytes(), 1000);
}

TEST_F(RunAttemptTest, RefusesIdsThatAreNone) {
  for (const std::string& id : {std::string(), std::string("A1"), std::string("a/1"), std::string(64, 'a'),
                                std::string("a\0b", 3), std::string("../x")}) {
    attempt_.mutable_attempt()->set_attempt_id(id);
    EXPECT_THAT(StartOrExtendRun(view_, attempt_, now_, absl::Seconds(60)), HasReason("ATTEMPT_INVALID")) << id;
  }
}

TEST_F(RunAttemptTest, AbsurdProgressIsPutRight) {
  v1::Progress& progress = *attempt_.mutable_progress();
  progress.set_phase(static_cast<v1::RunPhase>(77));
  progress.set_plain_bytes(-5);
  progress.set_stored_bytes(std::numeric_limits<int64_t>::max());
  progress.set_row_count(std::numeric_limits<int64_t>::min());
  progress.set_tables_done(-1);
  progress.set_table_count(-1);
  progress.mutable_update_time()->set_seconds(std::numeric_limits<int64_t>::max());
  const v1::Progress stored = Report().run.progress();
  EXPECT_EQ(stored.phase(), v1::RUN_PHASE_UNSPECIFIED);
  EXPECT_EQ(stored.plain_bytes(), 0);
  EXPECT_EQ(stored.stored_bytes(), int64_t{1} << 62);
  EXPECT_EQ(stored.row_count(), 0);
  EXPECT_EQ(stored.tables_done(), 0);
  EXPECT_EQ(stored.table_count(), 0);
  EXPECT_EQ(ToAbsl(stored.update_time()), now_);
}

TEST_F(RunAttemptTest, AbsurdStartTimesAreReplacedByTheControllersClock) {
  for (const int64_t seconds : {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max(), int64_t{0},
                                absl::ToUnixSeconds(now_ + absl::Hours(25))}) {
    attempt_.mutable_start_time()->set_seconds(seconds);
    EXPECT_EQ(ToAbsl(Report().run.start_time()), now_) << seconds;
  }
  // A clock that is off by some hours is shown as it is.
  attempt_.mutable_start_time()->set_seconds(absl::ToUnixSeconds(now_ - absl::Hours(5)));
  EXPECT_EQ(Report().run.start_time().seconds(), absl::ToUnixSeconds(now_ - absl::Hours(5)));
}

}  // namespace
}  // namespace backup::server
