// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tests/store_contract.h"

namespace backup::testing {
namespace {

using server::RetentionView;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class RetentionStoreTest : public StoreContractTest {
 protected:
  void SetUp() override {
    StoreContractTest::SetUp();
    if (HasFatalFailure()) return;
    AddAgent("db1", {"crm", "none", "orders"});
    AddPolicy("nightly");
  }
  std::vector<RetentionView> Views(int size = 100) {
    return AllPages<RetentionView>(size * 10, [&](server::PageRequest page) {
      page.size = size;
      return store().ListRetentionViews(Now(), page);
    });
  }
  // "crm nightly 2" for each: database, policy and how many backups.
  std::vector<std::string> Outline(int size = 100) {
    std::vector<std::string> texts;
    for (const RetentionView& view : Views(size)) {
      texts.push_back(absl::StrCat(view.database.substr(21), " ", view.policy, " ", view.state.backups.size()));
    }
    return texts;
  }
};
INSTANTIATE_STORE_CONTRACT(RetentionStoreTest);

TEST_P(RetentionStoreTest, HoldsEveryBackupThatIsThereToStayByDatabaseAndPolicy) {
  AddBackup(TestBackup(1, kOrders));
  AddBackup(TestBackup(2, kOrders, v1::SUSPICIOUS));
  AddBackup(TestBackup(3, kOrders, v1::DELETED));
  AddBackup(TestBackup(4, "agents/db1/databases/crm"));
  AddBackup(TestBackup(6, "agents/db1/databases/crm", v1::DELETING));
  v1::Backup without_policy = TestBackup(5, kOrders);
  without_policy.clear_policy();
  AddBackup(without_policy);
  for (const int size : {1, 2, 100}) {
    EXPECT_THAT(Outline(size), ElementsAre("crm policies/nightly 1", "orders  1", "orders policies/nightly 2")) << size;
  }
}

TEST_P(RetentionStoreTest, TellsWhatRetentionHasToKnowOfABackup) {
  v1::Backup proven = TestBackup(1, kOrders);
  proven.set_verification_level(v1::RESTORED);
  AddBackup(proven);
  AddBackup(TestBackup(2, kOrders, v1::BAD));
  v1::BackupHold hold;
  hold.set_reason("audit");
  ASSERT_THAT(store().SetBackupHold(proven.name(), hold, {}), IsOk());
  *hold.mutable_expire_time() = ToProto(Now() - absl::Hours(1));
  ASSERT_THAT(store().SetBackupHold(TestBackup(2, kOrders).name(), hold, {}), IsOk());
  v1::Run drill = ManualRun("drill", kOrders);
  drill.set_kind(v1::DRILL);
  drill.set_backup(proven.name());
  AddRun(drill);

  const std::vector<RetentionView> views = Views();

  ASSERT_EQ(views.size(), 1u);
  ASSERT_EQ(views[0].state.backups.size(), 2u);
  const server::RetainedBackup& first = views[0].state.backups[0];
  EXPECT_EQ(first.name, proven.name());
  EXPECT_GT(first.sequence, 0);
  EXPECT_EQ(first.snapshot_time, Now() + absl::Minutes(1));
  EXPECT_EQ(first.size_bytes, 1000);
  EXPECT_EQ(first.state, v1::GOOD);
  EXPECT_TRUE(first.proven);
  EXPECT_TRUE(first.held);
  EXPECT_TRUE(first.in_use);
  const server::RetainedBackup& second = views[0].state.backups[1];
  EXPECT_EQ(second.state, v1::BAD);
  EXPECT_FALSE(second.proven || second.held || second.in_use);
  Change("runs/drill", [](v1::Run& run) { run.set_state(v1::FAILED); });
  EXPECT_FALSE(Views()[0].state.backups[0].in_use);
}

TEST_P(RetentionStoreTest, TheLastRunIsTheLatestSlotThatSaysHowItWent) {
  AddBackup(TestBackup(1, kOrders));
  EXPECT_FALSE(Views()[0].state.last_run_failed);
  // Made in another order than they were due.
  Plan("nightly", {PlannedRun("last", "nightly", "orders", -absl::Hours(1)),
                   PlannedRun("before", "nightly", "orders", -absl::Hours(2)),
                   PlannedRun("skipped", "nightly", "orders", -absl::Minutes(5)),
                   PlannedRun("next", "nightly", "orders", absl::Hours(1)),
                   PlannedRun("other", "nightly", "crm", -absl::Minutes(1))});
  Change("runs/before", [](v1::Run& run) { run.set_state(v1::SUCCEEDED); });
  Change("runs/skipped", [](v1::Run& run) { run.set_state(v1::SKIPPED); });
  Change("runs/other", [](v1::Run& run) { run.set_state(v1::SUCCEEDED); });
  for (const v1::RunState state : {v1::FAILED, v1::LOST, v1::MISSED}) {
    Change("runs/last", [&](v1::Run& run) { run.set_state(state); });
    EXPECT_TRUE(Views()[0].state.last_run_failed) << state;
  }
  Change("runs/last", [](v1::Run& run) { run.set_state(v1::SUCCEEDED); });
  EXPECT_FALSE(Views()[0].state.last_run_failed);
}

TEST_P(RetentionStoreTest, DatabasesThatAreGoneAreLeftOut) {
  AddBackup(TestBackup(1, kOrders));
  AddAgent("db1", {"crm"});
  EXPECT_THAT(Outline(), IsEmpty());
}

}  // namespace
}  // namespace backup::testing
