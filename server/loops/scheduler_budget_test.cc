// SPDX-License-Identifier: Apache-2.0
#include "server/loops/scheduler.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/domain/planning.h"
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
using ::backup::testing::NightlyPolicy;

// A catalog in which planning takes its time.
class SlowStore : public FakeStore {
 public:
  explicit SlowStore(FakeClock& clock) : clock_(clock) {}
  absl::StatusOr<std::string> ChangePolicyPart(absl::string_view name, absl::Time now, absl::string_view after,
                                               int limit, const PolicyDecision& decide) override {
    clock_.Advance(absl::Seconds(1));
    return FakeStore::ChangePolicyPart(name, now, after, limit, decide);
  }

 private:
  FakeClock& clock_;
};

class SlowSchedulerTest : public ::testing::Test {
 protected:
  SlowSchedulerTest() : clock_(At("2026-11-23T12:00:00Z")), store_(clock_), scheduler_(store_, clock_, random_, feed_) {
    HearAgent();
    for (const char* id : {"policies/a", "policies/b", "policies/c"}) {
      v1::Policy policy = NightlyPolicy();
      policy.set_name(id);
      store_.PutPolicy(policy, clock_.Now());
    }
  }
  void HearAgent() { store_.PutAgent(AgentSeenAt("db1", clock_.Now()), {DatabaseOf("db1", "orders")}); }

  FakeClock clock_;
  FakeRandom random_;
  ChangeFeed feed_;
  SlowStore store_;
  Scheduler scheduler_;
};

TEST_F(SlowSchedulerTest, ATurnLeavesToTheNextWhatItHasNoTimeFor) {
  EXPECT_GT(scheduler_.RunOnce(), absl::ZeroDuration()) << "the first one plans all";
  scheduler_.RequestReplan();
  EXPECT_EQ(scheduler_.RunOnce(), absl::ZeroDuration());
  EXPECT_EQ(scheduler_.RunOnce(), absl::ZeroDuration());
  EXPECT_GT(scheduler_.RunOnce(), absl::ZeroDuration());
}

TEST_F(SlowSchedulerTest, AfterAnOutageAllIsPlannedBeforeAnyRunIsMovedOn) {
  scheduler_.RunOnce();
  clock_.Advance(At("2026-11-26T04:30:00Z") - clock_.Now());  // 25T22 has passed without a row.
  HearAgent();
  while (scheduler_.RunOnce() == absl::ZeroDuration()) {
  }
  const Page<v1::Run> page = *store_.ListRuns({}, {1000, ""});
  std::vector<std::string> missed;
  for (const v1::Run& run : page.items) {
    if (ToAbsl(run.slot_time()) == At("2026-11-25T22:00:00Z")) missed.push_back(run.policy());
  }
  EXPECT_THAT(missed, ::testing::UnorderedElementsAre("policies/a", "policies/b", "policies/c"));
}

}  // namespace
}  // namespace backup::server
