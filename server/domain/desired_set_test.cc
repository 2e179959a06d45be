// SPDX-License-Identifier: Apache-2.0
#include "server/domain/desired_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/domain/test_data.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::EqualsProto;
using ::backup::testing::NightlyRun;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

v1::Run RunAt(const std::string& name, v1::RunState state, int minutes) {
  v1::Run run = NightlyRun(state);
  run.set_name(name);
  *run.mutable_not_before_time() = ToProto(ToAbsl(run.slot_time()) + absl::Minutes(minutes));
  return run;
}

std::vector<std::string> Names(const v1::SyncResponse& set) {
  std::vector<std::string> names;
  for (const v1::DesiredRun& run : set.runs()) {
    names.push_back(run.run());
  }
  return names;
}

TEST(DesiredSetTest, HoldsWhatIsNotStartedSoonestFirst) {
  const std::vector<v1::Run> runs = {RunAt("runs/c", v1::SCHEDULED, 9), RunAt("runs/b", v1::PENDING, 1),
                                     RunAt("runs/d", v1::RUNNING, 0), RunAt("runs/a", v1::SCHEDULED, 9)};
  const v1::SyncResponse set = BuildDesiredSet(runs, {});
  EXPECT_THAT(Names(set), ElementsAre("runs/b", "runs/a", "runs/c"));
  EXPECT_THAT(set.cancel_runs(), IsEmpty());
}

TEST(DesiredSetTest, ADrillIsToldWhenItIsDueAndItsBackupKnown) {
  v1::Run to_come = RunAt("runs/a", v1::SCHEDULED, 9);
  to_come.set_kind(v1::DRILL);
  v1::Run due = RunAt("runs/b", v1::PENDING, 9);
  due.set_kind(v1::DRILL);

  EXPECT_THAT(Names(BuildDesiredSet({to_come, due}, {})), ElementsAre("runs/b"));
}

TEST(DesiredSetTest, WhatIsHeldBackOrCannotStartIsNotTold) {
  v1::Run held_back = RunAt("runs/a", v1::PENDING, 0);
  held_back.set_held_back(true);
  v1::Run excluded = RunAt("runs/b", v1::SCHEDULED, 60);
  *excluded.mutable_start_deadline_time() = excluded.not_before_time();
  EXPECT_THAT(Names(BuildDesiredSet({held_back, excluded}, {})), IsEmpty());
}

TEST(DesiredSetTest, WithOnlyDueRunsThoseToComeByScheduleAreNotTold) {
  v1::Run by_hand = RunAt("runs/b", v1::SCHEDULED, 120);
  by_hand.set_manual(true);
  const std::vector<v1::Run> runs = {RunAt("runs/a", v1::SCHEDULED, 60), by_hand, RunAt("runs/c", v1::PENDING, 0)};
  EXPECT_THAT(Names(BuildDesiredSet(runs, {}, /*only_due=*/true)), ElementsAre("runs/c", "runs/b"));
  EXPECT_THAT(Names(BuildDesiredSet(runs, {})), ElementsAre("runs/c", "runs/a", "runs/b"));
}

TEST(DesiredSetTest, SaysAllThatTheAgentNeeds) {
  const v1::Run run = RunAt("runs/b", v1::PENDING, 1);
  v1::DesiredRun expected;
  expected.set_run(run.name());
  expected.set_epoch(run.epoch());
  expected.set_kind(v1::BACKUP);
  expected.set_database(run.database());
  expected.set_policy(run.policy());
  *expected.mutable_slot_time() = run.slot_time();
  *expected.mutable_not_before_time() = run.not_before_time();
  *expected.mutable_start_deadline_time() = run.start_deadline_time();
  *expected.mutable_spec() = run.spec();
  EXPECT_THAT(BuildDesiredSet({run}, {}).runs(0), EqualsProto(expected));
}

TEST(DesiredSetTest, WhatIsToBeCancelledIsNamed) {
  v1::Run held = RunAt("runs/held", v1::PENDING, 1);
  held.set_cancel_requested(true);
  v1::Run working = RunAt("runs/working", v1::RUNNING, 1);
  working.set_cancel_requested(true);
  const v1::SyncResponse set = BuildDesiredSet({working, held}, {"runs/stale", "runs/held"});
  EXPECT_THAT(set.cancel_runs(), ElementsAre("runs/held", "runs/stale", "runs/working"));
  EXPECT_THAT(Names(set), ElementsAre("runs/held"));  // The agent answers for it.
}

TEST(DesiredSetTest, EqualSetsHaveEqualRevisions) {
  std::vector<v1::Run> runs = {RunAt("runs/a", v1::SCHEDULED, 1), RunAt("runs/b", v1::PENDING, 1)};
  const std::string revision = BuildDesiredSet(runs, {}).revision();
  EXPECT_EQ(revision.size(), 64);
  std::reverse(runs.begin(), runs.end());
  EXPECT_EQ(BuildDesiredSet(runs, {}).revision(), revision);
  // Coming due, or being delivered, is nothing new for the agent.
  for (v1::Run& run : runs) {
    run.set_state(v1::PENDING);
    run.set_delivered(true);
  }
  EXPECT_EQ(BuildDesiredSet(runs, {}).revision(), revision);
}

TEST(DesiredSetTest, AnyDifferenceGivesAnotherRevision) {
  const v1::Run run = RunAt("runs/a", v1::SCHEDULED, 1);
  const std::string revision = BuildDesiredSet({run}, {}).revision();
  v1::Run other = run;
  other.set_epoch(4);
  EXPECT_NE(BuildDesiredSet({other}, {}).revision(), revision);
  other = run;
  other.mutable_spec()->mutable_dump()->set_jobs(2);
  EXPECT_NE(BuildDesiredSet({other}, {}).revision(), revision);
  EXPECT_NE(BuildDesiredSet({run}, {"runs/stale"}).revision(), revision);
  EXPECT_NE(BuildDesiredSet({}, {}).revision(), revision);
  EXPECT_NE(BuildDesiredSet({}, {}).revision(), "");
}

TEST(DesiredSetTest, StaysBelowTheMessageLimitAndKeepsTheSoonest) {
  std::vector<v1::Run> runs;
  for (int i = 0; i < 1000; ++i) {
    runs.push_back(RunAt(absl::StrCat("runs/r", i), v1::SCHEDULED, i));
    for (int j = 0; j < 100; ++j) {
      runs.back().mutable_spec()->mutable_verify()->add_key_tables(std::string(120, 'x'));
    }
  }
  const v1::SyncResponse set = BuildDesiredSet(runs, {});
  EXPECT_LT(set.ByteSizeLong(), 1 << 20);
  EXPECT_GT(set.runs_size(), 50);
  EXPECT_EQ(set.runs(0).run(), "runs/r0");
}

}  // namespace
}  // namespace backup::server
