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
  FleetWatch watch_{store_, clock_, SmallPages()};
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

TEST_F(FleetWatchTest, AnEmptyFleetIsSeenToo) {
  TurnsOfALook();
  ASSERT_NE(watch_.overview(), nullptr);
  EXPECT_TRUE(watch_.overview()->databases.empty());
}

}  // namespace
}  // namespace backup::server
