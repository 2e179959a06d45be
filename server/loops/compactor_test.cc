// SPDX-License-Identifier: Apache-2.0
#include "server/loops/compactor.h"

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

using ::backup::testing::At;
using ::backup::testing::FakeClock;
using ::backup::testing::FakeStore;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr char kOrders[] = "agents/db1/databases/orders";

class CompactorTest : public ::testing::Test {
 protected:
  // Of 2026-11-23; so what was before September ends 60 days and more ago.
  CompactorTest() : clock_(At("2026-11-23T12:00:00Z")) {
    CompactorOptions options;
    options.history_age = absl::Hours(24 * 60);
    options.batch = 2;
    options.clock_jumped = [this] { return clock_jumped_; };
    compactor_ = std::make_unique<Compactor>(store_, clock_, options);
    for (const char* day : {"2026-07-01", "2026-08-31", "2026-09-01", "2026-11-01"}) AddRun(day);
    store_.AppendEvents({EventOf("2026-08-30"), EventOf("2026-09-01"), EventOf("2026-11-01")}).IgnoreError();
  }

  void AddRun(const std::string& day) {
    v1::Run run;
    run.set_name("runs/" + day);
    run.set_kind(v1::BACKUP);
    run.set_state(v1::SUCCEEDED);
    run.set_database(kOrders);
    *run.mutable_slot_time() = ToProto(At(day + "T22:00:00Z"));
    store_.PutRun(run);
  }
  static v1::Event EventOf(const std::string& day) {
    v1::Event event;
    *event.mutable_time() = ToProto(At(day + "T00:00:00Z"));
    event.set_type(day);
    return event;
  }
  // One whole pass; for as long as it takes.
  void Pass() {
    for (int i = 0; i < 100; ++i) {
      const absl::Duration wait = compactor_->RunOnce();
      if (wait >= absl::Hours(1)) return;
      clock_.Advance(wait);
    }
    ADD_FAILURE() << "the pass never ends";
  }
  std::vector<std::string> RunsLeft() {
    const Page<v1::Run> page = *store_.ListRuns({}, {1000, ""});
    std::vector<std::string> days;
    for (const v1::Run& run : page.items) days.push_back(run.name().substr(5));
    return days;
  }
  std::vector<std::string> EventsLeft() {
    std::vector<std::string> days;
    for (const v1::Event& event : store_.events()) days.push_back(event.type());
    return days;
  }

  FakeStore store_;
  FakeClock clock_;
  bool clock_jumped_ = false;
  std::unique_ptr<Compactor> compactor_;
};

TEST_F(CompactorTest, TheFirstPassComesAfterSomeHours) {
  EXPECT_EQ(compactor_->RunOnce(), absl::Hours(6));
  EXPECT_EQ(RunsLeft().size(), 4u);
}

TEST_F(CompactorTest, WholeMonthsThatAreOldGo) {
  clock_.Advance(absl::Hours(6));
  Pass();
  EXPECT_THAT(RunsLeft(), ElementsAre("2026-11-01", "2026-09-01"));
  EXPECT_THAT(EventsLeft(), UnorderedElementsAre("2026-09-01", "2026-11-01"));
  EXPECT_EQ(store_.ListRunCounts(kOrders, absl::InfinitePast(), absl::InfiniteFuture())->size(), 2u);
}

TEST_F(CompactorTest, EachStepIsShortAndThereIsAPauseBetweenThem) {
  for (int i = 1; i < 10; ++i) AddRun(absl::StrCat("2026-06-0", i));
  clock_.Advance(absl::Hours(6));
  EXPECT_EQ(compactor_->RunOnce(), absl::Milliseconds(100));
  EXPECT_EQ(RunsLeft().size(), 11u);
  EXPECT_EQ(compactor_->RunOnce(), absl::Milliseconds(100));
  EXPECT_EQ(RunsLeft().size(), 9u);
}

TEST_F(CompactorTest, ACatalogThatIsAwayIsTriedAgain) {
  clock_.Advance(absl::Hours(6));
  store_.SetUnavailable(true);
  EXPECT_EQ(compactor_->RunOnce(), absl::Minutes(1));
  store_.SetUnavailable(false);
  Pass();
  EXPECT_EQ(RunsLeft().size(), 2u);
}

TEST_F(CompactorTest, AClockThatStepsTakesNoHistoryWithIt) {
  clock_.SetWallTime(clock_.Now() + absl::Hours(24 * 365));
  clock_.Advance(absl::Hours(6));
  EXPECT_EQ(compactor_->RunOnce(), absl::Hours(6));
  EXPECT_EQ(RunsLeft().size(), 4u);
  clock_.SetWallTime(clock_.Now() - absl::Hours(24 * 365));
  clock_.Advance(absl::Hours(6));
  EXPECT_EQ(compactor_->RunOnce(), absl::Hours(6)) << "that was a step too";
  EXPECT_EQ(RunsLeft().size(), 4u);
  clock_.Advance(absl::Hours(6));
  Pass();
  EXPECT_EQ(RunsLeft().size(), 2u);
}

TEST_F(CompactorTest, WhileTheClockIsNotTrustedTheHistoryStays) {
  clock_jumped_ = true;
  clock_.Advance(absl::Hours(24 * 900));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(compactor_->RunOnce(), absl::Hours(6));
    clock_.Advance(absl::Hours(6));
  }
  clock_jumped_ = false;
  EXPECT_EQ(compactor_->RunOnce(), absl::Milliseconds(100)) << "a pass has begun";
}

TEST_F(CompactorTest, ASecondPassFindsWhatHasBecomeOld) {
  clock_.Advance(absl::Hours(6));
  Pass();
  for (int i = 0; i < 4 * 45; ++i) {
    clock_.Advance(absl::Hours(6));
    Pass();
  }
  EXPECT_THAT(RunsLeft(), ElementsAre("2026-11-01"));
}

}  // namespace
}  // namespace backup::server
