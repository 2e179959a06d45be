// SPDX-License-Identifier: Apache-2.0
#include "server/loops/fleet_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/domain/test_data.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_store.h"

namespace backup::server {
namespace {

using ::backup::testing::AgentSeenAt;
using ::backup::testing::DatabaseOf;
using ::backup::testing::FakeClock;
using ::backup::testing::FakeStore;
using ::backup::testing::NightlyPolicy;
using ::testing::ElementsAre;
using ::testing::Pair;

class FleetWatchTest : public ::testing::Test {
 protected:
  static FleetWatchOptions SmallPages() {
    FleetWatchOptions options;
    options.page_size = 2;
    return options;
  }

  // Turns until a look is over, by what they say themselves.
  int TurnsOfALook() {
    int turns = 1;
    while (watch_.RunOnce() == absl::ZeroDuration()) ++turns;
    return turns;
  }

  FakeClock clock_;
  FakeStore store_;
  FrozenRetention frozen_;
  FleetWatch watch_{store_, clock_, frozen_, SmallPages()};
};

TEST_F(FleetWatchTest, LooksAtEverythingPageByPage) {
  store_.PutPolicy(NightlyPolicy(), clock_.Now());
  store_.PutAgent(AgentSeenAt("db1", clock_.Now()), {DatabaseOf("db1", "a"), DatabaseOf("db1", "b")});
  store_.PutAgent(AgentSeenAt("db2", clock_.Now()), {DatabaseOf("db2", "c")});
  store_.PutAgent(AgentSeenAt("db3", clock_.Now() - absl::Hours(1)), {});

  EXPECT_EQ(watch_.overview(), nullptr);
  EXPECT_EQ(TurnsOfALook(), 4) << "two pages of databases and two of agents";

  ASSERT_NE(watch_.overview(), nullptr);
  EXPECT_EQ(watch_.overview()->time, clock_.Now());
  EXPECT_THAT(watch_.overview()->databases, ElementsAre(Pair(v1::WARNING, 3)));
  EXPECT_THAT(watch_.overview()->worst,
              ElementsAre("agents/db1/databases/a", "agents/db1/databases/b", "agents/db2/databases/c"));
  EXPECT_THAT(watch_.overview()->agents, ElementsAre(Pair(v1::ONLINE, 2), Pair(v1::OFFLINE, 1)));
}

TEST_F(FleetWatchTest, TheLastLookStandsUntilTheNextIsOver) {
  store_.PutAgent(AgentSeenAt("db1", clock_.Now()), {DatabaseOf("db1", "a")});
  TurnsOfALook();
  const auto first = watch_.overview();
  store_.PutAgent(AgentSeenAt("db1", clock_.Now()), {DatabaseOf("db1", "b"), DatabaseOf("db1", "c")});

  watch_.RunOnce();

  EXPECT_EQ(watch_.overview(), first);
  TurnsOfALook();
  EXPECT_THAT(watch_.overview()->databases, ElementsAre(Pair(v1::UNCOVERED, 3)));
  EXPECT_THAT(first->databases, ElementsAre(Pair(v1::UNCOVERED, 1))) << "whoever has it keeps it";
}

TEST_F(FleetWatchTest, ACatalogThatIsAwayIsWaitedForAndThePageRead) {
  store_.PutAgent(AgentSeenAt("db1", clock_.Now()), {DatabaseOf("db1", "a"), DatabaseOf("db1", "b")});
  store_.PutAgent(AgentSeenAt("db2", clock_.Now()), {DatabaseOf("db2", "c")});
  watch_.RunOnce();
  store_.SetUnavailable(true);
  EXPECT_EQ(watch_.RunOnce(), FleetWatchOptions().backoff);
  store_.SetUnavailable(false);

  TurnsOfALook();

  EXPECT_THAT(watch_.overview()->databases, ElementsAre(Pair(v1::UNCOVERED, 3)));
}

TEST_F(FleetWatchTest, AnAgentThatGoesAndComesBackIsAnEventEach) {
  const auto events = [&] {
    std::vector<std::string> types;
    const absl::StatusOr<Page<v1::Event>> page = store_.ListEvents("agents/db1", {});
    for (const v1::Event& event : page->items) types.push_back(event.type());  // The newest first.
    return types;
  };
  const absl::Time seen = clock_.Now();
  store_.PutAgent(AgentSeenAt("db1", seen), {DatabaseOf("db1", "a")});
  for (int i = 0; i < 10; ++i) {
    TurnsOfALook();
    clock_.Advance(absl::Seconds(30));
  }
  EXPECT_THAT(events(), ElementsAre("AGENT_OFFLINE"));
  store_.PutAgent(AgentSeenAt("db1", clock_.Now()), {DatabaseOf("db1", "a")});
  TurnsOfALook();
  TurnsOfALook();
  EXPECT_THAT(events(), ElementsAre("AGENT_ONLINE", "AGENT_OFFLINE"));
}

TEST_F(FleetWatchTest, SilenceWhileTheCatalogWasAwayIsNone) {
  store_.PutAgent(AgentSeenAt("db1", clock_.Now()), {DatabaseOf("db1", "a")});
  TurnsOfALook();
  store_.SetUnavailable(true);
  for (int i = 0; i < 18; ++i) {
    clock_.Advance(FleetWatchOptions().backoff);
    EXPECT_EQ(watch_.RunOnce(), FleetWatchOptions().backoff);
  }
  store_.SetUnavailable(false);
  TurnsOfALook();
  EXPECT_TRUE(store_.ListEvents("agents/db1", {})->items.empty());
}

TEST_F(FleetWatchTest, WhatIsFrozenIsPartOfTheLook) {
  store_.PutPolicy(NightlyPolicy(), clock_.Now());
  store_.PutAgent(AgentSeenAt("db1", clock_.Now()), {DatabaseOf("db1", "a")});
  v1::Backup good;
  good.set_name("backups/20261121T220000Z-aaaaaaaa11");
  good.set_database("agents/db1/databases/a");
  good.set_state(v1::GOOD);
  *good.mutable_snapshot_time() = ToProto(clock_.Now());
  store_.PutBackup(good);
  TurnsOfALook();
  EXPECT_THAT(watch_.overview()->databases, ElementsAre(Pair(v1::OK, 1)));
  v1::RetentionPlan plan;
  plan.set_database("agents/db1/databases/a");
  plan.add_policies()->add_frozen("why");
  frozen_.Note(plan);
  TurnsOfALook();
  EXPECT_THAT(watch_.overview()->databases, ElementsAre(Pair(v1::WARNING, 1)));
}

TEST_F(FleetWatchTest, AnEmptyFleetIsSeenToo) {
  TurnsOfALook();
  ASSERT_NE(watch_.overview(), nullptr);
  EXPECT_TRUE(watch_.overview()->databases.empty());
}

}  // namespace
}  // namespace backup::server
