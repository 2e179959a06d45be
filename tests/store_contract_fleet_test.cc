// SPDX-License-Identifier: Apache-2.0
#include "absl/strings/str_cat.h"
#include "tests/store_contract.h"

namespace backup::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class FleetStoreTest : public StoreContractTest {};
INSTANTIATE_STORE_CONTRACT(FleetStoreTest);

TEST_P(FleetStoreTest, AnEmptyCatalogHasAnEmptyStatus) {
  v1::FleetStatus expected;
  *expected.mutable_time() = ToProto(Now());
  EXPECT_THAT(store().ReadFleetStatus(Now(), {}), IsOkAndHolds(EqualsProto(expected)));
  EXPECT_THAT(store().Ping(), IsOk());
}

TEST_P(FleetStoreTest, StatusHoldsEachDatabaseWithItsNewestGoodBackupAndItsLastDueRun) {
  AddAgent("db1", {"orders", "crm", "gone"});
  AddAgent("db1", {"orders", "crm"});
  AddAgent("db2", {});
  AddPolicy("nightly");
  AddBackup(TestBackup(1, kOrders));
  AddBackup(TestBackup(2, kOrders, v1::BAD));
  Plan("nightly", {PlannedRun("slot", "nightly", "orders", absl::Hours(1)),
                   PlannedRun("next", "nightly", "orders", absl::Hours(25))});
  Change("runs/slot", [](v1::Run& run) { run.set_state(v1::MISSED); });
  v1::Run verify = ManualRun("verify", kOrders);
  verify.set_kind(v1::VERIFY);
  verify.set_backup(TestBackup(1, kOrders).name());
  *verify.mutable_slot_time() = ToProto(Now() + absl::Hours(2));
  AddRun(verify);

  const absl::StatusOr<v1::FleetStatus> status = store().ReadFleetStatus(Now() + absl::Hours(3), {});

  ASSERT_THAT(status, IsOk());
  ASSERT_EQ(status->databases_size(), 2);
  EXPECT_EQ(status->databases(0).database().name(), "agents/db1/databases/crm");
  EXPECT_FALSE(status->databases(0).has_last_good());
  EXPECT_FALSE(status->databases(0).has_last_run());
  const v1::DatabaseStatus& orders = status->databases(1);
  EXPECT_EQ(orders.database().last_good_backup(), TestBackup(1, kOrders).name());
  EXPECT_EQ(orders.last_good().name(), TestBackup(1, kOrders).name());
  EXPECT_FALSE(orders.last_good().has_manifest());
  EXPECT_FALSE(orders.last_run().has_spec());
  EXPECT_EQ(orders.last_run().name(), "runs/slot")
      << "the BACKUP of the newest slot that came due, though made earlier";
  EXPECT_EQ(orders.health(), v1::HEALTH_UNSPECIFIED);
  EXPECT_THAT(NamesOf(status->agents()), ElementsAre("agents/db1", "agents/db2"));
}

TEST_P(FleetStoreTest, StatusCountsBackupsThatAreBadAndThoseThatCouldNotBeDeleted) {
  AddAgent("db1", {"crm", "orders"});
  AddRun(ManualRun("works", kOrders));
  AddRun(ManualRun("failed", kOrders), [](v1::Run& run) { run.set_state(v1::FAILED); });
  const auto add_deleting = [&](int minute, const std::string& run) {
    v1::Backup backup = TestBackup(minute, kOrders, v1::DELETING);
    backup.set_delete_run(run);
    AddBackup(backup);
  };
  AddBackup(TestBackup(1, kOrders, v1::BAD));
  AddBackup(TestBackup(2, kOrders, v1::BAD));
  AddBackup(TestBackup(3, kOrders, v1::SUSPICIOUS));
  AddBackup(TestBackup(4, kOrders));
  AddBackup(TestBackup(5, kOrders, v1::DELETED));
  add_deleting(6, "runs/failed");
  add_deleting(7, "runs/forgotten");
  add_deleting(8, "runs/works");

  const absl::StatusOr<v1::FleetStatus> status = store().ReadFleetStatus(Now(), {});
  const absl::StatusOr<server::FleetPart> part = store().ReadFleetPart(Now(), {});

  ASSERT_THAT(status, IsOk());
  ASSERT_EQ(status->databases_size(), 2);
  EXPECT_EQ(status->databases(0).bad_backup_count(), 0);
  EXPECT_EQ(status->databases(0).undeleted_backup_count(), 0);
  const v1::DatabaseStatus& orders = status->databases(1);
  EXPECT_EQ(orders.bad_backup_count(), 2);
  EXPECT_EQ(orders.newest_bad_backup(), TestBackup(2, kOrders).name());
  EXPECT_EQ(orders.undeleted_backup_count(), 2);
  EXPECT_EQ(orders.failed_delete_run(), "runs/forgotten") << "of the newest backup";
  ASSERT_THAT(part, IsOk());
  EXPECT_EQ(part->status.databases(1).bad_backup_count(), 2);
  EXPECT_EQ(part->status.databases(1).undeleted_backup_count(), 2);
}

TEST_P(FleetStoreTest, StatusTellsTheWorstOfAGreatFleetAndCountsAllOfIt) {
  std::vector<std::string> names;
  for (int i = 0; i < 510; ++i) names.push_back(absl::StrCat("d", 100 + i));
  AddAgent("a", names, Now() - absl::Hours(1));
  AddAgent("b", {"x", "gone"});
  AddAgent("b", {"x", "y"});
  AddBackup(TestBackup(1, "agents/b/databases/y"));

  const absl::StatusOr<v1::FleetStatus> status =
      store().ReadFleetStatus(Now(), {"agents/b/databases/y", "agents/a/databases/d609", "agents/b/databases/gone",
                                      "agents/c/databases/z", "agents/b/databases/y"});

  ASSERT_THAT(status, IsOk());
  ASSERT_EQ(status->databases_size(), server::kMaxStatusRows);
  std::vector<std::string> told;
  for (const v1::DatabaseStatus& line : status->databases()) told.push_back(line.database().name());
  EXPECT_TRUE(std::is_sorted(told.begin(), told.end()));
  EXPECT_EQ(told.front(), "agents/a/databases/d100");
  EXPECT_EQ(told[497], "agents/a/databases/d597");
  EXPECT_EQ(told[498], "agents/a/databases/d609");
  EXPECT_EQ(told.back(), "agents/b/databases/y");
  EXPECT_EQ(status->databases().rbegin()->last_good().name(), TestBackup(1, "agents/b/databases/y").name());
  EXPECT_EQ(status->database_count(), 512);
  EXPECT_EQ(status->agent_count(), 2);
  EXPECT_THAT(NamesOf(status->agents()), ElementsAre("agents/a", "agents/b"));
}

TEST_P(FleetStoreTest, StatusTellsTheAgentsOfItsDatabasesAndThoseSilentForLongest) {
  AddAgent("zz", {"orders"}, Now());
  for (int i = 0; i < 502; ++i) AddAgent(absl::StrCat("a", 100 + i), {}, Now() - absl::Seconds(i));

  const absl::StatusOr<v1::FleetStatus> status = store().ReadFleetStatus(Now(), {});

  ASSERT_THAT(status, IsOk());
  const std::vector<std::string> agents = NamesOf(status->agents());
  ASSERT_EQ(agents.size(), static_cast<size_t>(server::kMaxStatusRows));
  EXPECT_EQ(agents.front(), "agents/a103") << "those heard of in the last three seconds are left out";
  EXPECT_EQ(agents.back(), "agents/zz");
  EXPECT_EQ(status->agent_count(), 503);
}

TEST_P(FleetStoreTest, PartsTellEveryDatabaseOnceWithItsAgent) {
  AddAgent("db1", {"orders", "crm", "gone"});
  AddAgent("db1", {"orders", "crm"});
  AddAgent("db2", {"shop"});
  AddAgent("db3", {});
  AddBackup(TestBackup(1, kOrders));

  const absl::StatusOr<server::FleetPart> first = store().ReadFleetPart(Now(), {2, ""});
  ASSERT_THAT(first, IsOk());
  ASSERT_EQ(first->status.databases_size(), 2);
  EXPECT_EQ(first->status.databases(0).database().name(), "agents/db1/databases/crm");
  EXPECT_EQ(first->status.databases(1).last_good().name(), TestBackup(1, kOrders).name());
  EXPECT_THAT(NamesOf(first->status.agents()), ElementsAre("agents/db1"));

  const absl::StatusOr<server::FleetPart> second = store().ReadFleetPart(Now(), {2, first->next_token});
  ASSERT_THAT(second, IsOk());
  ASSERT_EQ(second->status.databases_size(), 1);
  EXPECT_EQ(second->status.databases(0).database().name(), "agents/db2/databases/shop");
  EXPECT_THAT(NamesOf(second->status.agents()), ElementsAre("agents/db2"));
  EXPECT_EQ(second->next_token, "");

  EXPECT_EQ(store().ReadFleetPart(Now(), {3, ""})->next_token, "");
  EXPECT_THAT(store().ReadFleetPart(Now(), {2, "rubbish"}), HasReason("PAGE_TOKEN_INVALID"));
  EXPECT_THAT(store().ReadFleetPart(Now(), {0, ""}), HasReason("INVALID_FIELD"));
}

TEST_P(FleetStoreTest, ARunCancelledAheadOfItsTimeIsNotTheLastRun) {
  AddAgent("db1", {"orders"});
  AddPolicy("nightly");
  Plan("nightly", {PlannedRun("slot", "nightly", "orders", absl::Hours(1)),
                   PlannedRun("next", "nightly", "orders", absl::Hours(25))});
  Change("runs/slot", [](v1::Run& run) { run.set_state(v1::SUCCEEDED); });
  Change("runs/next", [](v1::Run& run) { run.set_state(v1::CANCELLED); });

  const absl::StatusOr<v1::FleetStatus> status = store().ReadFleetStatus(Now() + absl::Hours(3), {});

  ASSERT_THAT(status, IsOk());
  ASSERT_EQ(status->databases_size(), 1);
  EXPECT_EQ(status->databases(0).last_run().name(), "runs/slot");
}

TEST_P(FleetStoreTest, StatusCountsBackupsAndTheDueRunsOfADay) {
  AddAgent("db1", {"orders"});
  AddPolicy("nightly");
  AddBackup(TestBackup(1, kOrders));
  AddBackup(TestBackup(2, kOrders, v1::SUSPICIOUS));
  v1::Backup replaced = TestBackup(1, kOrders, v1::BAD);
  replaced.set_size_bytes(500);
  AddBackup(replaced);
  AddBackup(TestBackup(3, kOrders));
  Plan("nightly", {PlannedRun("missed", "nightly", "orders", absl::Hours(1)),
                   PlannedRun("old", "nightly", "orders", -absl::Hours(24)),
                   PlannedRun("done", "nightly", "orders", -absl::Hours(1)),
                   PlannedRun("planned", "nightly", "orders", absl::Hours(2))});
  Change("runs/missed", [](v1::Run& run) { run.set_state(v1::MISSED); });
  Change("runs/old", [](v1::Run& run) { run.set_state(v1::SUCCEEDED); });
  Change("runs/done", [](v1::Run& run) { run.set_state(v1::SUCCEEDED); });
  AddRun(ManualRun("running", kOrders), [](v1::Run& run) { run.set_state(v1::RUNNING); });

  const absl::StatusOr<v1::FleetStatus> status = store().ReadFleetStatus(Now() + absl::Hours(2), {});

  ASSERT_THAT(status, IsOk());
  EXPECT_EQ(status->good_backup_count(), 1);
  EXPECT_EQ(status->total_size_bytes(), 500 + 1000 + 1000);
  EXPECT_EQ(status->due_count_24h(), 2) << "one missed, one that succeeded; what was asked for by hand was not due";
  EXPECT_EQ(status->succeeded_count_24h(), 1);
  EXPECT_THAT(NamesOf(status->active_runs()), ElementsAre("runs/running"));
}

TEST_P(FleetStoreTest, TheDueRunsOfADayAreCountedRightAtAnyTime) {
  AddAgent("db1", {"orders", "crm", "hr"});
  AddPolicy("nightly");
  std::vector<v1::Run> runs;
  for (int i = 0; i < 90; ++i) {
    runs.push_back(PlannedRun(absl::StrCat("r", i), "nightly",
                              i % 3 == 0   ? "orders"
                              : i % 3 == 1 ? "crm"
                                           : "hr",
                              absl::Minutes(-48 * 60 + i * 37 % 90 * 30)));
  }
  Plan("nightly", runs);
  // As they go, some of them there and back.
  for (int i = 0; i < 90; ++i) {
    for (const v1::RunState state : {v1::PENDING, v1::RUNNING, v1::LOST, v1::SUCCEEDED, v1::FAILED}) {
      if ((i + state) % 5 < 3) runs[i] = Change(runs[i].name(), [&](v1::Run& run) { run.set_state(state); });
    }
  }
  for (absl::Duration at = -absl::Hours(50); at < absl::Hours(30); at += absl::Minutes(17)) {
    int due = 0;
    int succeeded = 0;
    for (const v1::Run& run : runs) {
      const absl::Time slot = ToAbsl(run.slot_time());
      if (slot <= Now() + at - absl::Hours(24) || slot > Now() + at || run.state() == v1::SCHEDULED) continue;
      ++due;
      if (run.state() == v1::SUCCEEDED) ++succeeded;
    }
    const absl::StatusOr<v1::FleetStatus> status = store().ReadFleetStatus(Now() + at, {});
    ASSERT_THAT(status, IsOk());
    EXPECT_EQ(status->due_count_24h(), due) << at;
    EXPECT_EQ(status->succeeded_count_24h(), succeeded) << at;
  }
}

TEST_P(FleetStoreTest, EventsComeNewestFirstAndBySubject) {
  ASSERT_THAT(store().AppendEvents({TestEvent("runs/r1", "A"), TestEvent("runs/r2", "B"), TestEvent("runs/r1", "C")}),
              IsOk());
  ASSERT_THAT(store().AppendEvents({}), IsOk());

  const auto types = [&](const std::string& subject, int size) {
    std::vector<std::string> result;
    for (const v1::Event& event : AllPages<v1::Event>(
             size, [&](const server::PageRequest& page) { return store().ListEvents(subject, page); })) {
      result.push_back(event.type());
    }
    return result;
  };
  EXPECT_THAT(types("", 2), ElementsAre("C", "B", "A"));
  EXPECT_THAT(types("runs/r1", 1), ElementsAre("C", "A"));
  EXPECT_THAT(types("runs/none", 1), IsEmpty());
  EXPECT_THAT(types("\xff", 1), IsEmpty());

  v1::Event expected = TestEvent("runs/r2", "B");
  const v1::Event stored = store().ListEvents("runs/r2", {})->items[0];
  expected.set_name(stored.name());
  EXPECT_THAT(stored, EqualsProto(expected));
  EXPECT_THAT(stored.name(), ::testing::MatchesRegex("events/[0-9]+"));
}

}  // namespace
}  // namespace backup::testing
