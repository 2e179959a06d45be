// SPDX-License-Identifier: Apache-2.0
#include "server/loops/clock_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/domain/run_state.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_store.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::FakeClock;
using ::backup::testing::FakeStore;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ClockWatchTest : public ::testing::Test {
 protected:
  std::vector<std::string> EventTypes() {
    std::vector<std::string> types;
    for (const v1::Event& event : store_.events()) types.push_back(event.type());
    return types;
  }
  // Lets time pass with a look every hour.
  void Pass(absl::Duration time) {
    for (absl::Duration passed; passed < time; passed += absl::Hours(1)) {
      clock_.Advance(absl::Hours(1));
      watch_.RunOnce();
    }
  }

  FakeStore store_;
  FakeClock clock_;
  ClockWatch watch_{store_, clock_};
};

TEST_F(ClockWatchTest, AnEvenClockIsTrustedFromTheFirstLookOn) {
  EXPECT_TRUE(watch_.jumped()) << "nothing is known yet";
  watch_.RunOnce();
  EXPECT_FALSE(watch_.jumped());
  Pass(absl::Hours(100));
  EXPECT_FALSE(watch_.jumped());
  EXPECT_EQ(watch_.problem(), "");
  EXPECT_THAT(EventTypes(), IsEmpty());
}

TEST_F(ClockWatchTest, AStepInEitherDirectionIsAJump) {
  watch_.RunOnce();
  clock_.SetWallTime(clock_.Now() + absl::Hours(24 * 365));
  watch_.RunOnce();
  EXPECT_TRUE(watch_.jumped());
  EXPECT_THAT(watch_.problem(), HasSubstr("moved forward by 365d"));
  clock_.SetWallTime(clock_.Now() - absl::Hours(24 * 365));
  watch_.RunOnce();
  EXPECT_TRUE(watch_.jumped());
  EXPECT_THAT(watch_.problem(), HasSubstr("moved back by 365d"));
  EXPECT_THAT(EventTypes(), ElementsAre("CLOCK_JUMPED", "CLOCK_JUMPED"));
}

TEST_F(ClockWatchTest, AStepIsKnownBeforeTheNextLook) {
  watch_.RunOnce();
  clock_.SetWallTime(clock_.Now() + absl::Hours(1));
  EXPECT_TRUE(watch_.jumped());
}

TEST_F(ClockWatchTest, AStepWhileTheCatalogWasAwayIsNotForgotten) {
  store_.SetUnavailable(true);
  clock_.SetWallTime(clock_.Now() + absl::Hours(1));
  watch_.RunOnce();
  store_.SetUnavailable(false);
  watch_.RunOnce();
  EXPECT_TRUE(watch_.jumped());
  EXPECT_THAT(EventTypes(), ElementsAre("CLOCK_JUMPED"));
}

TEST_F(ClockWatchTest, SmallCorrectionsAreNoJump) {
  watch_.RunOnce();
  for (int i = 0; i < 100; ++i) {
    clock_.Advance(absl::Seconds(5));
    clock_.SetWallTime(clock_.Now() + absl::Seconds(100));
    watch_.RunOnce();
  }
  EXPECT_FALSE(watch_.jumped());
}

TEST_F(ClockWatchTest, ItIsTrustedAgainAfterADayWithoutAJump) {
  watch_.RunOnce();
  clock_.SetWallTime(clock_.Now() - absl::Hours(1));
  watch_.RunOnce();
  Pass(absl::Hours(20));
  clock_.SetWallTime(clock_.Now() + absl::Hours(1));
  watch_.RunOnce();
  Pass(absl::Hours(23));
  EXPECT_TRUE(watch_.jumped()) << "a day since the last one";
  Pass(absl::Hours(1));
  EXPECT_FALSE(watch_.jumped());
  EXPECT_EQ(watch_.problem(), "");
  EXPECT_THAT(EventTypes(), ElementsAre("CLOCK_JUMPED", "CLOCK_JUMPED", "CLOCK_STEADY"));
}

TEST_F(ClockWatchTest, ARestartKnowsOfTheJump) {
  watch_.RunOnce();
  clock_.SetWallTime(clock_.Now() + absl::Hours(5));
  watch_.RunOnce();
  ClockWatch next(store_, clock_);
  next.RunOnce();
  EXPECT_TRUE(next.jumped());
  EXPECT_THAT(next.problem(), HasSubstr("moved forward by 5h"));
  clock_.Advance(absl::Hours(24));
  next.RunOnce();
  EXPECT_FALSE(next.jumped());
  ClockWatch last(store_, clock_);
  last.RunOnce();
  EXPECT_FALSE(last.jumped());
}

TEST_F(ClockWatchTest, AClockThatWentBackWhileNobodyWatchedIsKnownByTheCatalog) {
  ASSERT_THAT(store_.AppendEvents({MakeEvent(clock_.Now(), "controller", "runs/r1", "RUN_PENDING", "due")}),
              backup::testing::IsOk());
  clock_.SetWallTime(clock_.Now() - absl::Hours(3));
  ClockWatch next(store_, clock_);
  next.RunOnce();
  EXPECT_TRUE(next.jumped());
  EXPECT_THAT(next.problem(), HasSubstr("moved back by 3h"));
}

TEST_F(ClockWatchTest, TheJumpIsWrittenWhenTheCatalogIsBack) {
  watch_.RunOnce();
  store_.SetUnavailable(true);
  clock_.SetWallTime(clock_.Now() + absl::Hours(5));
  watch_.RunOnce();
  EXPECT_TRUE(watch_.jumped());
  store_.SetUnavailable(false);
  watch_.RunOnce();
  EXPECT_THAT(EventTypes(), ElementsAre("CLOCK_JUMPED"));
}

TEST_F(ClockWatchTest, WhileTheCatalogWasNeverReadNothingIsTrusted) {
  store_.SetUnavailable(true);
  watch_.RunOnce();
  EXPECT_TRUE(watch_.jumped());
  store_.SetUnavailable(false);
  watch_.RunOnce();
  EXPECT_FALSE(watch_.jumped());
}

}  // namespace
}  // namespace backup::server
