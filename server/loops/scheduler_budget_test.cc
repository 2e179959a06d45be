// SPDX-License-Identifier: Apache-2.0
#include "server/loops/scheduler.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "server/domain/planning.h"
#include "server/domain/policy_changes.h"
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
using ::backup::testing::IsOk;
using ::backup::testing::NightlyPolicy;
using ::backup::testing::NightlyRun;

// A catalog in which planning takes its time.
class SlowStore : public FakeStore {
 public:
  explicit SlowStore(FakeClock& clock) : clock_(clock) {}
  absl::StatusOr<std::string> ChangePolicyPart(absl::string_view name, absl::Time now, absl::string_view after,
                                               int limit, const PolicyDecision& decide) override {
    clock_.Advance(absl::Seconds(1));
    planned.insert(std::string(name));
    return FakeStore::ChangePolicyPart(name, now, after, limit, decide);
  }

  std::set<std::string> planned;

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
  void TurnUntilNothingIsDue() {
    while (scheduler_.RunOnce() == absl::ZeroDuration()) {
    }
  }

  FakeClock clock_;
  FakeRandom random_;
  ChangeFeed feed_;
  SlowStore store_;
  Scheduler scheduler_;
};

TEST_F(SlowSchedulerTest, ATurnLeavesToTheNextWhatItHasNoTimeFor) {
  TurnUntilNothingIsDue();
  scheduler_.RequestReplan();
  EXPECT_EQ(scheduler_.RunOnce(), absl::ZeroDuration());
  EXPECT_EQ(scheduler_.RunOnce(), absl::ZeroDuration());
  EXPECT_GT(scheduler_.RunOnce(), absl::ZeroDuration());
}

TEST_F(SlowSchedulerTest, AskedToPlanItPlansWhatChangedAndNothingElseAnew) {
  TurnUntilNothingIsDue();
  v1::UpdatePolicyRequest request;
  *request.mutable_policy() = *store_.GetPolicy("policies/b");
  request.mutable_policy()->mutable_spec()->mutable_schedule()->set_cron("0 3 * * *");
  ASSERT_THAT(store_.ChangePolicy("policies/b", clock_.Now(),
                                  UpdatePolicyDecision(request, {"users/admin", clock_.Now(), &random_})),
              IsOk());
  store_.planned.clear();

  scheduler_.RequestPlan();
  TurnUntilNothingIsDue();

  EXPECT_THAT(store_.planned, ::testing::ElementsAre("policies/b"));
}

TEST_F(SlowSchedulerTest, CatchingUpMovesNoRunOnAndEndsThoughPlanningIsAskedForAgainAndAgain) {
  v1::Run old = NightlyRun(v1::SCHEDULED);
  *old.mutable_slot_time() = ToProto(At("2026-11-22T22:00:00Z"));
  *old.mutable_not_before_time() = old.slot_time();
  *old.mutable_start_deadline_time() = ToProto(At("2026-11-23T04:00:00Z"));
  store_.PutRun(old);
  for (int turn = 1; turn <= 3; ++turn) {
    EXPECT_EQ(store_.GetRun(old.name())->state(), v1::SCHEDULED) << turn;
    scheduler_.RequestReplan();
    scheduler_.RunOnce();
  }
  EXPECT_EQ(store_.GetRun(old.name())->state(), v1::MISSED);
}

TEST_F(SlowSchedulerTest, AfterAnOutageAllIsPlannedBeforeAnyRunIsMovedOn) {
  TurnUntilNothingIsDue();
  clock_.Advance(At("2026-11-26T04:30:00Z") - clock_.Now());  // 25T22 has passed without a row.
  HearAgent();
  TurnUntilNothingIsDue();
  const Page<v1::Run> page = *store_.ListRuns({}, {1000, ""});
  std::vector<std::string> missed;
  for (const v1::Run& run : page.items) {
    if (ToAbsl(run.slot_time()) == At("2026-11-25T22:00:00Z")) missed.push_back(run.policy());
  }
  EXPECT_THAT(missed, ::testing::UnorderedElementsAre("policies/a", "policies/b", "policies/c"));
}

}  // namespace
}  // namespace backup::server
