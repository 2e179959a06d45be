// SPDX-License-Identifier: Apache-2.0
#include "server/loops/retention_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
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
using ::backup::testing::DatabaseOf;
using ::backup::testing::FakeClock;
using ::backup::testing::FakeRandom;
using ::backup::testing::FakeStore;
using ::backup::testing::IsOk;
using ::backup::testing::NightlyPolicy;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class RetentionLoopTest : public ::testing::Test {
 protected:
  RetentionLoopTest() : watch_(store_, clock_), loop_(store_, clock_, random_, feed_, watch_, frozen_, Options()) {
    store_.SetRepeatDecisions(true);
    v1::Agent agent = AgentSeenAt("db1", clock_.Now());
    agent.add_capabilities("delete");
    store_.PutAgent(agent, {DatabaseOf("db1", "orders"), DatabaseOf("db1", "shop")});
    v1::Policy policy = NightlyPolicy();
    policy.mutable_spec()->mutable_retention()->clear_keep_daily();
    policy.mutable_spec()->mutable_retention()->set_keep_last(3);
    policy.mutable_spec()->mutable_retention()->set_minimum_good(2);
    store_.PutPolicy(policy, clock_.Now());
    watch_.RunOnce();
  }
  static RetentionLoopOptions Options() {
    RetentionLoopOptions options;
    options.first_pass_delay = absl::ZeroDuration();
    return options;
  }
  // `count` more good backups, an hour apart, the last one now.
  void PutBackups(const std::string& database, int count) {
    for (int i = 0; i < count; ++i) {
      v1::Backup backup;
      backup.set_name(absl::StrCat("backups/20261121T220000Z-aaaaaaaa", 10 + ++backup_count_));
      backup.set_database("agents/db1/databases/" + database);
      backup.set_policy("policies/nightly");
      backup.set_state(v1::GOOD);
      *backup.mutable_snapshot_time() = ToProto(clock_.Now() - absl::Hours(count - i));
      store_.PutBackup(backup);
    }
  }
  // Endings of the names of backups in this state.
  std::vector<std::string> Named(v1::BackupState state) {
    v1::BackupFilter filter;
    filter.add_states(state);
    std::vector<std::string> names;
    const absl::StatusOr<Page<v1::Backup>> page = store_.ListBackups(filter, {1000, ""});
    for (const v1::Backup& backup : page->items) names.push_back(backup.name().substr(backup.name().size() - 2));
    return names;
  }
  std::vector<v1::Run> DeleteRuns() {
    v1::RunFilter filter;
    filter.add_kinds(v1::DELETE);
    return store_.ListRuns(filter, {1000, ""})->items;
  }

  int backup_count_ = 0;
  FakeStore store_;
  FakeClock clock_;
  FakeRandom random_;
  ChangeFeed feed_;
  ClockWatch watch_;
  FrozenRetention frozen_;
  RetentionLoop loop_;
};

TEST_F(RetentionLoopTest, LetsGoOfEveryDatabaseWhatItsPolicyDoesNotKeep) {
  PutBackups("orders", 5);
  PutBackups("shop", 4);
  loop_.RunOnce();
  EXPECT_THAT(Named(v1::DELETING), ElementsAre("16", "12", "11"));
  ASSERT_THAT(DeleteRuns(), SizeIs(3));
  const v1::Run run = DeleteRuns().back();
  EXPECT_EQ(run.state(), v1::PENDING);
  EXPECT_EQ(run.database(), "agents/db1/databases/orders");
  EXPECT_TRUE(run.backup().ends_with("11"));
}

TEST_F(RetentionLoopTest, ASecondTurnDeletesNothingMore) {
  PutBackups("orders", 5);
  loop_.RunOnce();
  clock_.Advance(absl::Hours(2));
  loop_.RunOnce();
  EXPECT_THAT(DeleteRuns(), SizeIs(2));
  EXPECT_THAT(Named(v1::GOOD), SizeIs(3));
}

TEST_F(RetentionLoopTest, BetweenItsPassesItLooksAtWhatWasAskedFor) {
  loop_.RunOnce();
  PutBackups("orders", 4);
  PutBackups("shop", 4);
  loop_.RequestDatabase("agents/db1/databases/shop");
  clock_.Advance(absl::Minutes(1));
  EXPECT_EQ(loop_.RunOnce(), absl::Minutes(59));
  EXPECT_THAT(Named(v1::DELETING), ElementsAre("15"));
  clock_.Advance(absl::Minutes(59));
  loop_.RunOnce();
  EXPECT_THAT(Named(v1::DELETING), ElementsAre("15", "11"));
}

TEST_F(RetentionLoopTest, WhatIsFrozenIsLeftAlone) {
  PutBackups("orders", 7);  // More than half would go.
  PutBackups("shop", 4);
  loop_.RunOnce();
  EXPECT_THAT(Named(v1::DELETING), ElementsAre("18"));
}

TEST_F(RetentionLoopTest, WhatIsFrozenIsNotedUntilItIsNot) {
  const auto why_frozen = [&](const std::string& database) {
    v1::FleetStatus status;
    status.add_databases()->mutable_database()->set_name("agents/db1/databases/" + database);
    frozen_.FillIn(status);
    const auto& reasons = status.databases(0).retention_frozen();
    return std::vector<std::string>(reasons.begin(), reasons.end());
  };
  PutBackups("orders", 7);  // More than half would go.
  PutBackups("shop", 4);
  loop_.RunOnce();
  EXPECT_THAT(why_frozen("orders"), ElementsAre("more than half of the backups would go at once"));
  EXPECT_THAT(why_frozen("shop"), IsEmpty());

  v1::Policy policy = *store_.GetPolicy("policies/nightly");
  policy.mutable_spec()->mutable_retention()->set_keep_last(4);
  store_.PutPolicy(policy, clock_.Now());
  loop_.RequestDatabase("agents/db1/databases/orders");
  loop_.RunOnce();
  EXPECT_THAT(why_frozen("orders"), IsEmpty()) << "three of seven";

  PutBackups("shop", 8);
  loop_.RequestDatabase("agents/db1/databases/shop");
  loop_.RunOnce();
  EXPECT_THAT(why_frozen("shop"), SizeIs(1));
  policy.mutable_spec()->mutable_retention()->set_keep_last(40);
  store_.PutPolicy(policy, clock_.Now());
  clock_.Advance(absl::Hours(2));
  loop_.RunOnce();
  EXPECT_THAT(why_frozen("shop"), IsEmpty()) << "nothing goes there any more";
}

TEST_F(RetentionLoopTest, NothingGoesWhileTheClockIsNotTrusted) {
  PutBackups("orders", 5);
  clock_.SetWallTime(clock_.Now() + absl::Hours(24 * 365));
  watch_.RunOnce();
  loop_.RunOnce();
  EXPECT_THAT(Named(v1::DELETING), IsEmpty());
  clock_.SetWallTime(clock_.Now() - absl::Hours(24 * 365));
  watch_.RunOnce();
  loop_.RunOnce();
  EXPECT_THAT(Named(v1::DELETING), IsEmpty());
  clock_.Advance(absl::Hours(24));
  watch_.RunOnce();
  loop_.RunOnce();
  EXPECT_THAT(Named(v1::DELETING), SizeIs(2));
}

TEST_F(RetentionLoopTest, WhatAnAgentCannotDeleteStays) {
  PutBackups("orders", 5);
  store_.PutAgent(AgentSeenAt("db1", clock_.Now()), {DatabaseOf("db1", "orders")});
  loop_.RunOnce();
  EXPECT_THAT(Named(v1::DELETING), IsEmpty());
}

TEST_F(RetentionLoopTest, AnAgentWithAWrongClockKeepsItsBackups) {
  PutBackups("orders", 5);
  v1::Agent agent = AgentSeenAt("db1", clock_.Now());
  agent.add_capabilities("delete");
  *agent.mutable_clock_skew() = ToProto(-absl::Minutes(11));
  store_.PutAgent(agent, {DatabaseOf("db1", "orders")});
  loop_.RunOnce();
  EXPECT_THAT(Named(v1::DELETING), IsEmpty());
}

TEST_F(RetentionLoopTest, ADeletionThatFailedIsTriedAgainTheNextDay) {
  PutBackups("orders", 4);
  loop_.RunOnce();
  v1::Run failed = DeleteRuns().at(0);
  failed.set_state(v1::FAILED);
  store_.PutRun(failed);
  clock_.Advance(absl::Hours(2));
  loop_.RunOnce();
  EXPECT_THAT(DeleteRuns(), SizeIs(1));
  clock_.Advance(absl::Hours(23));
  loop_.RunOnce();
  ASSERT_THAT(DeleteRuns(), SizeIs(2));
  EXPECT_EQ(store_.GetBackup(failed.backup())->delete_run(), DeleteRuns().at(0).name());
}

TEST_F(RetentionLoopTest, TheFirstPassWaitsUntilAgentsHaveToldTheirClocks) {
  PutBackups("orders", 4);
  RetentionLoop loop(store_, clock_, random_, feed_, watch_, frozen_);
  PutBackups("shop", 8);  // More than half would go.
  EXPECT_EQ(loop.RunOnce(), absl::Minutes(2));
  v1::FleetStatus status;
  status.add_databases()->mutable_database()->set_name("agents/db1/databases/shop");
  frozen_.FillIn(status);
  EXPECT_EQ(status.databases(0).retention_frozen_size(), 1) << "what is frozen is told at once";
  EXPECT_THAT(Named(v1::DELETING), IsEmpty());
  clock_.Advance(absl::Minutes(2));
  loop.RunOnce();
  EXPECT_THAT(Named(v1::DELETING), SizeIs(1));
}

TEST_F(RetentionLoopTest, AnErrorOfTheCatalogIsNoReasonToAskItWithoutEnd) {
  PutBackups("orders", 4);
  store_.FailNext(absl::InternalError("the row is damaged"), 10);
  EXPECT_EQ(loop_.RunOnce(), absl::Seconds(30));
}

TEST_F(RetentionLoopTest, WhenTheCatalogIsAwayItTriesSoonAgain) {
  PutBackups("orders", 4);
  store_.SetUnavailable(true);
  EXPECT_EQ(loop_.RunOnce(), absl::Seconds(30));
  store_.SetUnavailable(false);
  loop_.RunOnce();
  EXPECT_THAT(Named(v1::DELETING), SizeIs(1));
}

}  // namespace
}  // namespace backup::server
