// SPDX-License-Identifier: Apache-2.0
// Every state against every event: what is legal, what is refused, and with which reason.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "server/domain/run_advance.h"
#include "server/domain/run_attempt.h"
#include "server/domain/run_cancel.h"
#include "server/domain/run_completion.h"
#include "server/domain/run_state.h"
#include "server/domain/test_data.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::At;
using ::backup::testing::EqualsProto;
using ::backup::testing::NightlyAttempt;
using ::backup::testing::NightlyRun;
using ::backup::testing::NightlySuccess;

const absl::Duration kLease = absl::Seconds(60);

absl::Time HalfPastTen() { return At("2026-11-23T22:30:00Z"); }

// A run in the state as it is reached: by attempt a1 of epoch 3 where one has started.
RunView ViewIn(v1::RunState state, const std::string& attempt_id) {
  RunView view;
  view.run = NightlyRun(state);
  view.run.set_attempt_id(attempt_id);
  if (state == v1::RUNNING) {
    *view.run.mutable_lease_end_time() = ToProto(HalfPastTen() + kLease);
  }
  return view;
}

v1::RunResult ResultOf(v1::RunState state) {
  if (state == v1::SUCCEEDED) {
    return NightlySuccess();
  }
  v1::RunResult result;
  result.set_state(state);
  if (state == v1::FAILED) {
    result.mutable_failure()->set_cause(v1::DISK_FULL);
  }
  return result;
}

// Who reports.
enum class Reporter { kSame, kOther, kStale };

v1::AttemptRef RefOf(Reporter reporter) {
  v1::AttemptRef ref = NightlyAttempt();
  if (reporter == Reporter::kOther) {
    ref.set_attempt_id("a2");
  }
  if (reporter == Reporter::kStale) {
    ref.set_epoch(2);
  }
  return ref;
}

// The new state's name, or the reason of the refusal.
std::string Outcome(const absl::StatusOr<RunChange>& change) {
  return change.ok() ? v1::RunState_Name(change->run.state()) : ErrorReason(change.status());
}

std::string Progress(const RunView& view, Reporter reporter) {
  v1::AttemptProgress progress;
  *progress.mutable_attempt() = RefOf(reporter);
  return Outcome(StartOrExtendRun(view, progress, HalfPastTen(), kLease));
}

std::string Complete(const RunView& view, Reporter reporter, v1::RunState state) {
  return Outcome(CompleteRun(view, RefOf(reporter), ResultOf(state), HalfPastTen()));
}

struct Row {
  v1::RunState state;
  const char* attempt_id;  // "" where nothing has started.
  // What comes of a report.
  const char* progress_same;
  const char* progress_other;
  const char* progress_stale;
  const char* succeeded_same;
  const char* failed_same;
  const char* cancelled_same;
  const char* skipped_same;
  const char* missed_same;
  const char* succeeded_other;
  const char* succeeded_stale;
  const char* cancel_by_user;
};

// "kSame" reports as attempt a1 of the run's epoch; where nothing has started, any attempt may be the first.
const Row kRows[] = {
    {v1::SCHEDULED, "", "RUNNING", "RUNNING", "STALE_EPOCH", "SUCCEEDED", "FAILED", "CANCELLED", "SKIPPED", "MISSED",
     "RESULT_INVALID", "STALE_EPOCH", "CANCELLED"},
    {v1::PENDING, "", "RUNNING", "RUNNING", "STALE_EPOCH", "SUCCEEDED", "FAILED", "CANCELLED", "SKIPPED", "MISSED",
     "RESULT_INVALID", "STALE_EPOCH", "CANCELLED"},
    {v1::RUNNING, "a1", "RUNNING", "RUN_HELD_BY_OTHER_ATTEMPT", "STALE_EPOCH", "SUCCEEDED", "FAILED", "CANCELLED",
     "RESULT_INVALID", "RESULT_INVALID", "RUN_HELD_BY_OTHER_ATTEMPT", "STALE_EPOCH", "RUNNING"},
    {v1::LOST, "a1", "RUNNING", "RUN_HELD_BY_OTHER_ATTEMPT", "STALE_EPOCH", "SUCCEEDED", "FAILED", "CANCELLED",
     "RESULT_INVALID", "RESULT_INVALID", "RUN_HELD_BY_OTHER_ATTEMPT", "STALE_EPOCH", "RUN_ALREADY_ENDED"},
    {v1::LOST, "", "RUNNING", "RUNNING", "STALE_EPOCH", "SUCCEEDED", "FAILED", "CANCELLED", "SKIPPED", "MISSED",
     "RESULT_INVALID", "STALE_EPOCH", "RUN_ALREADY_ENDED"},
    // Ended by this attempt: said before, and acknowledged again whatever it says now.
    {v1::SUCCEEDED, "a1", "RUN_ALREADY_ENDED", "RUN_ALREADY_ENDED", "RUN_ALREADY_ENDED", "SUCCEEDED", "SUCCEEDED",
     "SUCCEEDED", "SUCCEEDED", "SUCCEEDED", "RUN_ALREADY_ENDED", "RUN_ALREADY_ENDED", "RUN_ALREADY_ENDED"},
    {v1::FAILED, "a1", "RUN_ALREADY_ENDED", "RUN_ALREADY_ENDED", "RUN_ALREADY_ENDED", "FAILED", "FAILED", "FAILED",
     "FAILED", "FAILED", "RUN_ALREADY_ENDED", "RUN_ALREADY_ENDED", "RUN_ALREADY_ENDED"},
    {v1::CANCELLED, "a1", "RUN_ALREADY_ENDED", "RUN_ALREADY_ENDED", "RUN_ALREADY_ENDED", "CANCELLED", "CANCELLED",
     "CANCELLED", "CANCELLED", "CANCELLED", "RUN_ALREADY_ENDED", "RUN_ALREADY_ENDED", "RUN_ALREADY_ENDED"},
    // Ended without any attempt: that it was not started is no news, that it was is refused.
    {v1::CANCELLED, "", "RUN_ALREADY_ENDED", "RUN_ALREADY_ENDED", "RUN_ALREADY_ENDED", "RUN_ALREADY_ENDED",
     "RUN_ALREADY_ENDED", "CANCELLED", "CANCELLED", "CANCELLED", "RUN_ALREADY_ENDED", "RUN_ALREADY_ENDED",
     "RUN_ALREADY_ENDED"},
    {v1::MISSED, "", "RUN_ALREADY_ENDED", "RUN_ALREADY_ENDED", "RUN_ALREADY_ENDED", "RUN_ALREADY_ENDED",
     "RUN_ALREADY_ENDED", "MISSED", "MISSED", "MISSED", "RUN_ALREADY_ENDED", "RUN_ALREADY_ENDED", "RUN_ALREADY_ENDED"},
    {v1::SKIPPED, "", "RUN_ALREADY_ENDED", "RUN_ALREADY_ENDED", "RUN_ALREADY_ENDED", "RUN_ALREADY_ENDED",
     "RUN_ALREADY_ENDED", "SKIPPED", "SKIPPED", "SKIPPED", "RUN_ALREADY_ENDED", "RUN_ALREADY_ENDED",
     "RUN_ALREADY_ENDED"},
};

class RunTransitionsTest : public ::testing::TestWithParam<Row> {};

TEST_P(RunTransitionsTest, EveryEventHasItsOutcome) {
  const Row& row = GetParam();
  const RunView view = ViewIn(row.state, row.attempt_id);
  EXPECT_EQ(Progress(view, Reporter::kSame), row.progress_same);
  EXPECT_EQ(Progress(view, Reporter::kOther), row.progress_other);
  EXPECT_EQ(Progress(view, Reporter::kStale), row.progress_stale);
  EXPECT_EQ(Complete(view, Reporter::kSame, v1::SUCCEEDED), row.succeeded_same);
  EXPECT_EQ(Complete(view, Reporter::kSame, v1::FAILED), row.failed_same);
  EXPECT_EQ(Complete(view, Reporter::kSame, v1::CANCELLED), row.cancelled_same);
  EXPECT_EQ(Complete(view, Reporter::kSame, v1::SKIPPED), row.skipped_same);
  EXPECT_EQ(Complete(view, Reporter::kSame, v1::MISSED), row.missed_same);
  EXPECT_EQ(Complete(view, Reporter::kOther, v1::SUCCEEDED), row.succeeded_other);
  EXPECT_EQ(Complete(view, Reporter::kStale, v1::SUCCEEDED), row.succeeded_stale);
  EXPECT_EQ(Outcome(CancelRun(view, "users/admin", "", HalfPastTen())), row.cancel_by_user);
}

TEST_P(RunTransitionsTest, NoResultThatEndsNothingIsTaken) {
  const RunView view = ViewIn(GetParam().state, GetParam().attempt_id);
  for (const v1::RunState state :
       {v1::RUN_STATE_UNSPECIFIED, v1::SCHEDULED, v1::PENDING, v1::RUNNING, v1::LOST, static_cast<v1::RunState>(99)}) {
    EXPECT_EQ(Complete(view, Reporter::kSame, state), "RESULT_INVALID") << state;
  }
}

TEST_P(RunTransitionsTest, TimeAloneEndsNothingThatHasEnded) {
  if (IsOpen(GetParam().state)) {
    return;
  }
  const RunView view = ViewIn(GetParam().state, GetParam().attempt_id);
  const RunChange change = AdvanceRun(view, std::nullopt, {absl::InfiniteFuture()});
  EXPECT_THAT(change.run, EqualsProto(view.run));
  EXPECT_TRUE(change.events.empty());
  EXPECT_TRUE(change.backups.empty());
}

TEST_P(RunTransitionsTest, ARepeatedReportChangesNothing) {
  const RunView view = ViewIn(GetParam().state, GetParam().attempt_id);
  for (const v1::RunState state : {v1::SUCCEEDED, v1::FAILED, v1::CANCELLED, v1::SKIPPED, v1::MISSED}) {
    const absl::StatusOr<RunChange> first = CompleteRun(view, NightlyAttempt(), ResultOf(state), HalfPastTen());
    if (!first.ok()) {
      continue;
    }
    RunView after = view;
    after.run = first->run;
    const absl::StatusOr<RunChange> second =
        CompleteRun(after, NightlyAttempt(), ResultOf(state), HalfPastTen() + absl::Hours(1));
    ASSERT_TRUE(second.ok()) << second.status();
    EXPECT_THAT(second->run, EqualsProto(first->run));
    EXPECT_TRUE(second->events.empty());
    EXPECT_TRUE(second->backups.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(States, RunTransitionsTest, ::testing::ValuesIn(kRows), [](const auto& info) {
  return v1::RunState_Name(info.param.state) + (info.param.attempt_id[0] == '\0' ? "" : "ByAttempt");
});

TEST(RunStateTest, EveryStateIsOpenOrTerminal) {
  for (int state = v1::RunState_MIN; state <= v1::RunState_MAX; ++state) {
    if (state != v1::RUN_STATE_UNSPECIFIED) {
      EXPECT_NE(IsOpen(static_cast<v1::RunState>(state)), IsTerminal(static_cast<v1::RunState>(state))) << state;
    }
  }
  EXPECT_FALSE(IsOpen(v1::RUN_STATE_UNSPECIFIED));
  EXPECT_FALSE(IsTerminal(v1::RUN_STATE_UNSPECIFIED));
  EXPECT_FALSE(IsTerminal(static_cast<v1::RunState>(99)));
}

}  // namespace
}  // namespace backup::server
