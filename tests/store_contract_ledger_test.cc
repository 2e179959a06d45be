// SPDX-License-Identifier: Apache-2.0
// The scheduler over each catalog: outages and a clock that was wrong, as rows tell of them.
#include <map>
#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "server/loops/change_feed.h"
#include "server/loops/scheduler.h"
#include "tests/store_contract.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_random.h"

namespace backup::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

class LedgerStoreTest : public StoreContractTest {
 protected:
  void SetUp() override {
    StoreContractTest::SetUp();
    if (HasFatalFailure()) return;
    AddAgent("db1", {"orders"});
    v1::Policy policy = TestPolicy("often");
    policy.mutable_spec()->mutable_schedule()->set_cron("0 */6 * * *");
    policy.mutable_spec()->mutable_schedule()->set_time_zone("UTC");
    *policy.mutable_spec()->mutable_schedule()->mutable_start_deadline() = ToProto(absl::Hours(8));
    ASSERT_THAT(store().ChangePolicy("policies/often", Now(),
                                     [&](const server::PolicyView&) -> absl::StatusOr<server::PolicyChange> {
                                       server::PolicyChange change;
                                       change.put_policy = policy;
                                       return change;
                                     }),
                IsOk());
    scheduler_.emplace(store(), clock_, random_, feed_);
  }
  // As long as there is more to do at once; plans anew.
  void Turn() {
    scheduler_->RequestReplan();
    while (scheduler_->RunOnce() < absl::Milliseconds(100)) {
    }
  }
  std::vector<v1::Run> Runs() {
    return AllPages<v1::Run>(1000, [&](const server::PageRequest& page) { return store().ListRuns({}, page); });
  }
  v1::Run RunOfSlot(absl::Time slot) {
    for (const v1::Run& run : Runs()) {
      if (ToAbsl(run.slot_time()) == slot) return run;
    }
    ADD_FAILURE() << "no run of slot " << slot;
    return v1::Run();
  }
  // By state and cause, of slots in [from, to).
  std::map<std::string, int> Count(absl::Time from, absl::Time to) {
    std::map<std::string, int> counts;
    for (const v1::Run& run : Runs()) {
      if (const absl::Time slot = ToAbsl(run.slot_time()); from <= slot && slot < to) {
        ++counts[absl::StrCat(v1::RunState_Name(run.state()), " ", v1::NotStartedCause_Name(run.not_started_cause()))];
      }
    }
    return counts;
  }
  void ExpectNoSlotTwice() {
    std::set<absl::Time> slots;
    for (const v1::Run& run : Runs()) EXPECT_TRUE(slots.insert(ToAbsl(run.slot_time())).second);
  }

  FakeClock clock_{Now() + absl::Minutes(1)};
  FakeRandom random_;
  server::ChangeFeed feed_;
  std::optional<server::Scheduler> scheduler_;
};
INSTANTIATE_STORE_CONTRACT(LedgerStoreTest);

TEST_P(LedgerStoreTest, AfterAMonthWithoutAControllerEverySlotHasARowAndOneCatchesUp) {
  Turn();
  clock_.Advance(absl::Hours(24 * 30));
  Turn();
  // 18:00 of the first day to 12:00 of the last.
  EXPECT_THAT(Count(Now(), clock_.Now()), ElementsAre(Pair("MISSED CONTROLLER_DOWN", 118), Pair("MISSED SUPERSEDED", 1),
                                                      Pair("PENDING NOT_STARTED_CAUSE_UNSPECIFIED", 1)));
  EXPECT_EQ(RunOfSlot(Now() + absl::Hours(24 * 30)).state(), v1::PENDING) << "the newest";
  ExpectNoSlotTwice();
  EXPECT_EQ(store().ListEvents(RunOfSlot(Now() + absl::Hours(6 * 40)).name(), {})->items.size(), 1u);
}

TEST_P(LedgerStoreTest, AYearThatTheClockWasAheadIsOpenedAgainAsItComes) {
  Turn();
  const v1::Run next = RunOfSlot(Now() + absl::Hours(6));
  const v1::Run after = RunOfSlot(Now() + absl::Hours(12));
  Change(after.name(), [](v1::Run& run) { run.set_state(v1::SUCCEEDED); });
  clock_.SetWallTime(clock_.Now() + absl::Hours(24 * 365));
  Turn();
  EXPECT_EQ(RunOfSlot(ToAbsl(next.slot_time())).state(), v1::MISSED);
  EXPECT_GT(Runs().size(), 1400u);

  clock_.SetWallTime(clock_.Now() - absl::Hours(24 * 365));
  Turn();

  const v1::Run opened = RunOfSlot(ToAbsl(next.slot_time()));
  EXPECT_EQ(opened.name(), next.name());
  EXPECT_EQ(opened.state(), v1::SCHEDULED);
  EXPECT_EQ(opened.epoch(), next.epoch() + 1);
  EXPECT_FALSE(opened.has_end_time());
  EXPECT_EQ(RunOfSlot(ToAbsl(after.slot_time())).state(), v1::SUCCEEDED) << "what ran stays";
  EXPECT_THAT(Count(Now(), Now() + absl::Hours(25)), ElementsAre(Pair("SCHEDULED NOT_STARTED_CAUSE_UNSPECIFIED", 3),
                                                                 Pair("SUCCEEDED NOT_STARTED_CAUSE_UNSPECIFIED", 1)));
  const absl::Time later = Now() + absl::Hours(6 * 20);
  EXPECT_EQ(RunOfSlot(later).state(), v1::MISSED) << "beyond the horizon";
  clock_.SetWallTime(later - absl::Hours(24));
  Turn();
  EXPECT_EQ(RunOfSlot(later).state(), v1::SCHEDULED);
  ExpectNoSlotTwice();
}

}  // namespace
}  // namespace backup::testing
