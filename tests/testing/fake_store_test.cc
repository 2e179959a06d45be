// SPDX-License-Identifier: Apache-2.0
#include "tests/testing/fake_store.h"

#include <gtest/gtest.h>

#include "base/errors.h"
#include "tests/testing/matchers.h"

namespace backup::testing {
namespace {

TEST(FakeStoreTest, FailsTheNextVerbsAsAsked) {
  FakeStore store;
  store.FailNext(RunNotFound("runs/x"), 2);
  EXPECT_THAT(store.Ping(), HasReason("RUN_NOT_FOUND"));
  EXPECT_THAT(store.AppendEvents({v1::Event()}), HasReason("RUN_NOT_FOUND"));
  EXPECT_THAT(store.Ping(), IsOk());
  EXPECT_TRUE(store.events().empty()) << "a verb that fails has no effect";
}

TEST(FakeStoreTest, IsAwayUntilToldOtherwise) {
  FakeStore store;
  store.SetUnavailable(true);
  EXPECT_THAT(store.Ping(), HasReason("CATALOG_UNAVAILABLE"));
  EXPECT_THAT(store.ListRuns({}, {}), HasReason("CATALOG_UNAVAILABLE"));
  store.SetUnavailable(false);
  EXPECT_THAT(store.Ping(), IsOk());
}

TEST(FakeStoreTest, ALostAnswerComesAfterTheEffectAndOnce) {
  FakeStore store;
  store.LoseNextAnswer();
  EXPECT_THAT(store.Ping(), IsOk()) << "only verbs that write";
  EXPECT_THAT(store.AppendEvents({v1::Event()}), HasReason("CATALOG_UNAVAILABLE"));
  EXPECT_EQ(store.events().size(), 1u);
  EXPECT_THAT(store.AppendEvents({v1::Event()}), IsOk());
}

TEST(FakeStoreTest, RepeatsDecisionsWithTheFirstThrownAway) {
  FakeStore store;
  store.SetRepeatDecisions(true);
  int calls = 0;
  EXPECT_THAT(store.ChangePolicy("policies/p", absl::UnixEpoch(),
                                 [&](const server::PolicyView&) -> absl::StatusOr<server::PolicyChange> {
                                   ++calls;
                                   server::PolicyChange change;
                                   change.events.emplace_back();
                                   return change;
                                 }),
              IsOk());
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(store.events().size(), 1u);
}

TEST(FakeStoreTest, HoldsWhatATestPutsIn) {
  FakeStore store;
  v1::Agent agent;
  agent.set_name("agents/a");
  v1::Database database;
  database.set_name("agents/a/databases/d");
  store.PutAgent(agent, {database});
  v1::Run run;
  run.set_name("runs/r");
  run.set_database(database.name());
  store.PutRun(run);
  v1::RunLogLine line;
  line.set_text("begun");
  ASSERT_THAT(store.AppendRunLog("runs/r", {line}), IsOk());
  run.set_state(v1::RUNNING);
  store.PutRun(run);

  EXPECT_THAT(store.GetAgent("agents/a"), IsOk());
  EXPECT_THAT(store.GetDatabase(database.name()), IsOk());
  EXPECT_EQ(store.GetRun("runs/r")->state(), v1::RUNNING);
  EXPECT_EQ(store.ListRunLog("runs/r", 0, 10)->size(), 1u);
  EXPECT_EQ(store.ListRuns({}, {})->items.size(), 1u);
}

}  // namespace
}  // namespace backup::testing
