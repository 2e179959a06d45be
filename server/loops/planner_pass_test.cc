// SPDX-License-Identifier: Apache-2.0
#include "server/loops/planner_pass.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/domain/test_data.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/fake_store.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::AgentSeenAt;
using ::backup::testing::At;
using ::backup::testing::DatabaseOf;
using ::backup::testing::FakeClock;
using ::backup::testing::FakeRandom;
using ::backup::testing::FakeStore;
using ::backup::testing::HasReason;
using ::backup::testing::IsOkAndHolds;
using ::backup::testing::NightlyPolicy;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// Counts the parts that were planned.
class CountingStore : public FakeStore {
 public:
  absl::StatusOr<std::string> ChangePolicyPart(absl::string_view name, absl::Time now, absl::string_view after,
                                               int limit, const PolicyDecision& decide) override {
    ++part_counts[std::string(name)];
    if (std::exchange(fail_next_part, false)) return absl::InternalError("the row is damaged");
    return FakeStore::ChangePolicyPart(name, now, after, limit, [&](const PolicyView& view) {
      last_planned_time = view.planned_time;
      return decide(view);
    });
  }
  std::map<std::string, int> part_counts;
  bool fail_next_part = false;
  absl::Time last_planned_time;  // Of the view of the last part.
};

constexpr absl::Duration kNoTime = absl::ZeroDuration();
constexpr absl::Duration kAllTime = absl::InfiniteDuration();

class PlannerPassTest : public ::testing::Test {
 protected:
  PlannerPassTest()
      : clock_(At("2026-11-23T12:00:00Z")),
        pass_(store_, clock_, random_, feed_, {absl::Minutes(45), absl::Minutes(1), 2}) {
    store_.SetRepeatDecisions(true);
    SetDatabases("db1", {"a", "b", "c", "d", "e"});
    AddPolicy("nightly");
  }

  void SetDatabases(const std::string& agent, const std::vector<std::string>& ids) {
    std::vector<v1::Database> databases;
    for (const std::string& id : ids) databases.push_back(DatabaseOf(agent, id));
    store_.PutAgent(AgentSeenAt(agent, clock_.Now()), databases);
  }
  void AddPolicy(const std::string& id) {
    v1::Policy policy = NightlyPolicy();
    policy.set_name("policies/" + id);
    store_.PutPolicy(policy, clock_.Now());
  }
  std::vector<v1::Run> Runs(const std::string& policy = "nightly") {
    v1::RunFilter filter;
    filter.set_policy("policies/" + policy);
    return store_.ListRuns(filter, {1000, ""})->items;
  }
  // Databases that have rows of the policy to come.
  std::set<std::string> Planned(const std::string& policy = "nightly") {
    std::set<std::string> names;
    for (const v1::Run& run : Runs(policy)) {
      names.insert(run.database().substr(std::string("agents/db1/databases/").size()));
    }
    return names;
  }

  CountingStore store_;
  FakeClock clock_;
  FakeRandom random_;
  ChangeFeed feed_;
  PlannerPass pass_;
};

TEST_F(PlannerPassTest, GoesOnWhereItsTimeWasUp) {
  EXPECT_THAT(pass_.Run(kNoTime), IsOkAndHolds(false));
  EXPECT_THAT(Planned(), ElementsAre("a", "b"));
  EXPECT_THAT(pass_.Run(kNoTime), IsOkAndHolds(false));
  EXPECT_THAT(Planned(), ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(pass_.Run(kNoTime), IsOkAndHolds(true));
  EXPECT_THAT(Planned(), ElementsAre("a", "b", "c", "d", "e"));
}

TEST_F(PlannerPassTest, WhatIsPlannedIsLeftAloneUntilItIsOld) {
  EXPECT_THAT(pass_.Run(kAllTime), IsOkAndHolds(true));
  store_.part_counts.clear();
  clock_.Advance(absl::Minutes(44));
  EXPECT_THAT(pass_.Run(kAllTime), IsOkAndHolds(true));
  EXPECT_THAT(store_.part_counts, IsEmpty());
  clock_.Advance(absl::Minutes(1));
  EXPECT_THAT(pass_.Run(kAllTime), IsOkAndHolds(true));
  EXPECT_EQ(store_.part_counts["policies/nightly"], 3);
}

TEST_F(PlannerPassTest, ANewPolicyAndAChangedOneArePlannedTheOthersNot) {
  AddPolicy("weekly");
  EXPECT_THAT(pass_.Run(kAllTime), IsOkAndHolds(true));
  store_.part_counts.clear();
  AddPolicy("weekly");
  AddPolicy("yearly");
  EXPECT_THAT(pass_.Run(kAllTime), IsOkAndHolds(true));
  EXPECT_EQ(store_.part_counts.size(), 2u);
  EXPECT_EQ(store_.part_counts.count("policies/nightly"), 0u);
}

TEST_F(PlannerPassTest, AWallClockThatStepsMakesAllOfItOld) {
  for (const absl::Duration step : {absl::Hours(1), -absl::Hours(3)}) {
    EXPECT_THAT(pass_.Run(kAllTime), IsOkAndHolds(true));
    store_.part_counts.clear();
    clock_.SetWallTime(clock_.Now() + step);
    EXPECT_THAT(pass_.Run(kAllTime), IsOkAndHolds(true));
    EXPECT_EQ(store_.part_counts["policies/nightly"], 3) << step;
  }
}

TEST_F(PlannerPassTest, ADatabaseThatComesIntoAPartDoneBeforeIsPlannedToo) {
  EXPECT_THAT(pass_.Run(kNoTime), IsOkAndHolds(false));
  SetDatabases("db1", {"a", "aa", "b", "c", "d", "e"});
  pass_.RequestAll();
  EXPECT_THAT(pass_.Run(kAllTime), IsOkAndHolds(true));
  EXPECT_THAT(Planned(), UnorderedElementsAre("a", "aa", "b", "c", "d", "e"));
}

TEST_F(PlannerPassTest, APolicyThatChangesHalfwayIsPlannedFromTheBeginning) {
  EXPECT_THAT(pass_.Run(kNoTime), IsOkAndHolds(false));
  v1::Policy other = NightlyPolicy();
  other.mutable_spec()->mutable_schedule()->set_cron("0 5 * * *");
  store_.PutPolicy(other, clock_.Now());
  EXPECT_THAT(pass_.Run(kAllTime), IsOkAndHolds(true));
  for (const v1::Run& run : Runs()) {
    EXPECT_EQ(absl::FormatTime("%H", ToAbsl(run.slot_time()), absl::UTCTimeZone()), "05") << run.database();
  }
  EXPECT_EQ(Planned().size(), 5u);
}

TEST_F(PlannerPassTest, RequestsThatNeverEndStarveNoPolicy) {
  for (const char* id : {"p1", "p2", "p3"}) AddPolicy(id);
  for (int i = 0; i < 12; ++i) {
    pass_.RequestAll();
    EXPECT_THAT(pass_.Run(kNoTime), IsOkAndHolds(false));
    clock_.Advance(absl::Seconds(1));
  }
  for (const char* id : {"nightly", "p1", "p2", "p3"}) EXPECT_EQ(Planned(id).size(), 5u) << id;
}

TEST_F(PlannerPassTest, ADeletedPolicyAtWorkIsForgotten) {
  EXPECT_THAT(pass_.Run(kNoTime), IsOkAndHolds(false));
  ASSERT_THAT(store_.ChangePolicy("policies/nightly", clock_.Now(),
                                  [](const PolicyView&) -> absl::StatusOr<PolicyChange> {
                                    PolicyChange change;
                                    change.delete_policy = true;
                                    return change;
                                  }),
              backup::testing::IsOk());
  EXPECT_THAT(pass_.Run(kNoTime), IsOkAndHolds(true));
}

TEST_F(PlannerPassTest, ItIsPlannedOnceAllPartsAreFromWhenTheFirstWasBegun) {
  const absl::Time begin = clock_.Now();
  for (int part = 0; part < 3; ++part) {
    EXPECT_THAT(pass_.Run(kNoTime), IsOkAndHolds(part == 2));
    EXPECT_EQ(store_.last_planned_time, absl::InfinitePast()) << part;
    clock_.Advance(absl::Minutes(1));
  }
  pass_.RequestAll();
  EXPECT_THAT(pass_.Run(kNoTime), IsOkAndHolds(false));
  EXPECT_EQ(store_.last_planned_time, begin);
}

TEST_F(PlannerPassTest, ACatalogThatIsAwayIsAskedForTheSamePartAgain) {
  EXPECT_THAT(pass_.Run(kNoTime), IsOkAndHolds(false));
  store_.SetUnavailable(true);
  EXPECT_THAT(pass_.Run(kAllTime), HasReason("CATALOG_UNAVAILABLE"));
  store_.SetUnavailable(false);
  EXPECT_THAT(pass_.Run(kAllTime), IsOkAndHolds(true));
  EXPECT_THAT(Planned(), ElementsAre("a", "b", "c", "d", "e"));
}

TEST_F(PlannerPassTest, APartThatCouldNotBePlannedIsTriedAgainSoonWithThoseAfterIt) {
  EXPECT_THAT(pass_.Run(kNoTime), IsOkAndHolds(false));
  store_.fail_next_part = true;
  EXPECT_THAT(pass_.Run(kAllTime), IsOkAndHolds(true));
  EXPECT_THAT(Planned(), ElementsAre("a", "b"));
  clock_.Advance(absl::Minutes(1));
  EXPECT_THAT(pass_.Run(kAllTime), IsOkAndHolds(true));
  EXPECT_THAT(Planned(), ElementsAre("a", "b", "c", "d", "e"));
}

}  // namespace
}  // namespace backup::server
