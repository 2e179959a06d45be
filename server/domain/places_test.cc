// SPDX-License-Identifier: Apache-2.0
#include "server/domain/places.h"

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
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class PlacesTest : public ::testing::Test {
 protected:
  void Wait(const std::string& id, const std::string& policy) {
    v1::Run run = NightlyRun(v1::PENDING);
    run.set_name("runs/" + id);
    run.set_policy("policies/" + policy);
    run.set_held_back(true);
    places_.waiting.push_back(run);
  }
  std::vector<std::string> Give() {
    return GivePlaces(places_, limits_, [this](const v1::Run& run) { return run.name() != unready_; });
  }
  Places places_;
  PlaceLimits limits_;
  std::string unready_;
};

TEST_F(PlacesTest, WithoutLimitsAllGo) {
  Wait("a", "p");
  Wait("b", "p");
  places_.taken = 100;
  EXPECT_THAT(Give(), ElementsAre("runs/a", "runs/b"));
}

TEST_F(PlacesTest, TheFleetsLimitCountsThoseAtWorkAndThoseJustLetGo) {
  Wait("a", "p");
  Wait("b", "q");
  Wait("c", "r");
  places_.taken = 1;
  limits_.fleet = 3;
  EXPECT_THAT(Give(), ElementsAre("runs/a", "runs/b"));
  places_.taken = 3;
  EXPECT_THAT(Give(), IsEmpty());
}

TEST_F(PlacesTest, APolicyAtItsLimitHoldsUpNoOther) {
  Wait("a", "p");
  Wait("b", "p");
  Wait("c", "q");
  places_.taken = 1;
  places_.by_policy["policies/p"] = 1;
  limits_.by_policy["policies/p"] = 2;
  EXPECT_THAT(Give(), ElementsAre("runs/a", "runs/c"));
}

TEST_F(PlacesTest, OneWhoseAgentIsNotReadyTakesNoPlace) {
  Wait("a", "p");
  Wait("b", "p");
  limits_.fleet = 1;
  unready_ = "runs/a";
  EXPECT_THAT(Give(), ElementsAre("runs/b"));
}

TEST_F(PlacesTest, LettingGoIsSaidOnce) {
  Wait("a", "p");
  const absl::Time now = At("2026-11-23T22:00:00Z");
  const RunChange change = LetGo(places_.waiting[0], now);
  EXPECT_FALSE(change.run.held_back());
  ASSERT_EQ(change.events.size(), 1u);
  EXPECT_EQ(change.events[0].type(), "RUN_LET_GO");
  EXPECT_THAT(LetGo(change.run, now).events, IsEmpty());
  v1::Run missed = places_.waiting[0];
  missed.set_state(v1::MISSED);
  EXPECT_THAT(LetGo(missed, now).run, EqualsProto(missed));
}

}  // namespace
}  // namespace backup::server
