// SPDX-License-Identifier: Apache-2.0
#include "tests/store_contract.h"

namespace backup::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kHr[] = "agents/db2/databases/hr";

class BackupStoreTest : public StoreContractTest {
 protected:
  void SetUp() override {
    StoreContractTest::SetUp();
    if (HasFatalFailure()) return;
    AddAgent("db1", {"orders"});
    AddAgent("db2", {"hr"});
  }
  std::vector<std::string> Listed(const v1::BackupFilter& filter, int size = 100) {
    return NamesOf(
        AllPages<v1::Backup>(size, [&](const server::PageRequest& page) { return store().ListBackups(filter, page); }));
  }
};
INSTANTIATE_STORE_CONTRACT(BackupStoreTest);

TEST_P(BackupStoreTest, GivesBackABackupWithItsManifest) {
  const v1::Backup backup = TestBackup(1, kOrders);
  AddBackup(backup);

  const absl::StatusOr<v1::Backup> stored = store().GetBackup(backup.name());

  ASSERT_THAT(stored, IsOk());
  v1::Backup expected = backup;
  expected.set_sequence(stored->sequence());
  EXPECT_THAT(*stored, EqualsProto(expected));
  EXPECT_GT(stored->sequence(), 0);
}

TEST_P(BackupStoreTest, DoesNotFindWhatIsNotThere) {
  for (const std::string name :
       {"backups/20261123T120000Z-0000000000", "20261123T120000Z-0000000000", "", "backups/..", "backups/\xff"}) {
    EXPECT_THAT(store().GetBackup(name), HasReason("BACKUP_NOT_FOUND")) << name;
  }
}

TEST_P(BackupStoreTest, AHoldStaysWhateverIsReportedOfTheBackup) {
  AddBackup(TestBackup(1, kOrders));
  const std::string name = TestBackup(1, kOrders).name();
  v1::BackupHold hold;
  hold.set_reason("the audit \xE2\x82\xAC");
  hold.set_owner("users/alice");
  *hold.mutable_expire_time() = ToProto(Now() + absl::Hours(1));
  v1::Event event;
  event.set_subject(name);
  event.set_type("BACKUP_HELD");

  const absl::StatusOr<v1::Backup> held = store().SetBackupHold(name, hold, {event});
  ASSERT_THAT(held, IsOk());
  EXPECT_THAT(held->hold(), EqualsProto(hold));
  EXPECT_FALSE(held->has_manifest());
  AddBackup(TestBackup(1, kOrders, v1::BAD));

  EXPECT_THAT(store().GetBackup(name)->hold(), EqualsProto(hold));
  EXPECT_EQ(store().GetBackup(name)->state(), v1::BAD);
  EXPECT_THAT(store().ListBackups({}, {})->items.at(0).hold(), EqualsProto(hold));
  EXPECT_EQ(store().ListEvents(name, {1, ""})->items.at(0).type(), "BACKUP_HELD");
  ASSERT_THAT(store().SetBackupHold(name, std::nullopt, {}), IsOk());
  EXPECT_FALSE(store().GetBackup(name)->has_hold());
  ASSERT_THAT(store().SetBackupHold(name, std::nullopt, {}), IsOk());
}

TEST_P(BackupStoreTest, AHoldOfNothingIsNotSet) {
  for (const char* name : {"backups/20261123T120000Z-0000000000", "backups/..", ""}) {
    EXPECT_THAT(store().SetBackupHold(name, v1::BackupHold(), {}), HasReason("BACKUP_NOT_FOUND")) << name;
  }
  AddBackup(TestBackup(1, kOrders));
  v1::BackupHold hold;
  hold.set_reason(std::string("a\0b", 3));
  EXPECT_THAT(store().SetBackupHold(TestBackup(1, kOrders).name(), hold, {}), HasReason("VALUE_INVALID"));
}

TEST_P(BackupStoreTest, ReplacementKeepsItsPlaceItsCreateTimeAndItsManifest) {
  AddBackup(TestBackup(1, kOrders));
  AddBackup(TestBackup(2, kOrders));
  const v1::Backup before = *store().GetBackup(TestBackup(1, kOrders).name());
  v1::Backup changed = before;
  changed.set_state(v1::BAD);
  changed.set_state_reason("bit rot");
  changed.clear_manifest();
  changed.clear_create_time();
  changed.set_sequence(99);

  AddBackup(changed);

  v1::Backup expected = before;
  expected.set_state(v1::BAD);
  expected.set_state_reason("bit rot");
  EXPECT_THAT(store().GetBackup(before.name()), IsOkAndHolds(EqualsProto(expected)));
}

TEST_P(BackupStoreTest, ListsNewestFirstWithoutManifests) {
  AddBackup(TestBackup(2, kOrders));
  AddBackup(TestBackup(1, kOrders));

  const absl::StatusOr<server::Page<v1::Backup>> page = store().ListBackups({}, {});

  ASSERT_THAT(page, IsOk());
  EXPECT_THAT(NamesOf(page->items), ElementsAre(TestBackup(1, kOrders).name(), TestBackup(2, kOrders).name()))
      << "by sequence, whatever the clocks say";
  EXPECT_FALSE(page->items[0].has_manifest());
}

TEST_P(BackupStoreTest, FiltersByEveryField) {
  const std::string good = TestBackup(1, kOrders).name();
  const std::string bad = TestBackup(2, kOrders).name();
  const std::string other = TestBackup(3, kHr).name();
  AddBackup(TestBackup(1, kOrders));
  AddBackup(TestBackup(2, kOrders, v1::BAD));
  v1::Backup unowned = TestBackup(3, kHr);
  unowned.clear_policy();
  AddBackup(unowned);

  EXPECT_THAT(Listed({}, 2), ElementsAre(other, bad, good));
  v1::BackupFilter filter;
  filter.set_agent("agents/db1");
  EXPECT_THAT(Listed(filter), ElementsAre(bad, good));
  filter.add_states(v1::GOOD);
  EXPECT_THAT(Listed(filter), ElementsAre(good));
  filter.add_states(v1::SUSPICIOUS);
  EXPECT_THAT(Listed(filter), ElementsAre(good));
  filter.Clear();
  filter.set_policy("policies/nightly");
  EXPECT_THAT(Listed(filter, 1), ElementsAre(bad, good));
  filter.Clear();
  filter.set_database(kHr);
  EXPECT_THAT(Listed(filter), ElementsAre(other));
  filter.set_database("' OR true --");
  EXPECT_THAT(Listed(filter), IsEmpty());
}

TEST_P(BackupStoreTest, PagesHoldStillWhileRowsAreAdded) {
  for (int i = 1; i <= 4; ++i) AddBackup(TestBackup(i, kOrders));
  const absl::StatusOr<server::Page<v1::Backup>> first = store().ListBackups({}, {2, ""});
  ASSERT_THAT(first, IsOk());
  AddBackup(TestBackup(5, kOrders));
  const absl::StatusOr<server::Page<v1::Backup>> second = store().ListBackups({}, {2, first->next_token});
  ASSERT_THAT(second, IsOk());
  EXPECT_THAT(NamesOf(second->items), ElementsAre(TestBackup(2, kOrders).name(), TestBackup(1, kOrders).name()));
}

TEST_P(BackupStoreTest, KeepsALargeManifest) {
  v1::Backup backup = TestBackup(1, kOrders);
  for (int i = 0; i < 5000; ++i) {
    v1::TableFacts* table = backup.mutable_manifest()->add_tables();
    table->set_schema("public");
    table->set_name(std::string(60, 'x') + std::to_string(i));
    table->set_row_count(INT64_MAX);
    table->set_content_hash(std::string(32, 'f'));
  }
  AddBackup(backup);
  EXPECT_THAT(store().GetBackup(backup.name())->manifest(), EqualsProto(backup.manifest()));
}

// A run that reads the backup, PENDING.
v1::Run ReadingRun(const std::string& id, const v1::Backup& backup, v1::RunKind kind = v1::VERIFY) {
  v1::Run run = ManualRun(id, backup.database());
  run.set_kind(kind);
  run.set_backup(backup.name());
  return run;
}

TEST_P(BackupStoreTest, GivesWhatRetentionOfADatabaseIsDecidedFrom) {
  AddPolicy("nightly");
  AddBackup(TestBackup(1, kOrders));
  AddBackup(TestBackup(2, kOrders, v1::BAD));
  AddBackup(TestBackup(3, kHr));
  AddBackup(TestBackup(4, kOrders, v1::DELETED));
  AddRun(ReadingRun("reads", TestBackup(1, kOrders)));
  AddRun(ReadingRun("hasread", TestBackup(1, kOrders)), [](v1::Run& run) { run.set_state(v1::SUCCEEDED); });
  AddRun(ReadingRun("elsewhere", TestBackup(3, kHr)));
  Plan("nightly", {PlannedRun("old", "nightly", "orders", -absl::Hours(48)),
                   PlannedRun("last", "nightly", "orders", -absl::Hours(24)),
                   PlannedRun("skipped", "nightly", "orders", -absl::Hours(1)),
                   PlannedRun("next", "nightly", "orders", absl::Hours(1))});
  Change("runs/last", [](v1::Run& run) { run.set_state(v1::FAILED); });
  Change("runs/old", [](v1::Run& run) { run.set_state(v1::SUCCEEDED); });
  Change("runs/skipped", [](v1::Run& run) { run.set_state(v1::SKIPPED); });

  const absl::StatusOr<server::DatabaseBackupsView> view = store().ReadDatabaseBackups(kOrders, Now());

  ASSERT_THAT(view, IsOk());
  EXPECT_EQ(view->database.name(), kOrders);
  ASSERT_TRUE(view->agent.has_value());
  EXPECT_EQ(view->agent->name(), "agents/db1");
  EXPECT_THAT(NamesOf(view->backups), ElementsAre(TestBackup(1, kOrders).name(), TestBackup(2, kOrders).name()));
  EXPECT_FALSE(view->backups[0].has_manifest());
  EXPECT_THAT(NamesOf(view->open_runs), ElementsAre("runs/reads"));
  ASSERT_EQ(view->policies.size(), 1u);
  EXPECT_EQ(view->policies.begin()->second.name(), "policies/nightly");
  EXPECT_THAT(view->failing_policies, ElementsAre("policies/nightly"));
  EXPECT_THAT(store().ReadDatabaseBackups("agents/db1/databases/none", Now()), HasReason("DATABASE_NOT_FOUND"));
  EXPECT_THAT(store().ReadDatabaseBackups("orders", Now()), HasReason("DATABASE_NOT_FOUND"));
}

TEST_P(BackupStoreTest, ASlotOfTheFutureSaysNothingOfTheLastRun) {
  AddPolicy("nightly");
  AddBackup(TestBackup(1, kOrders));
  Plan("nightly", {PlannedRun("last", "nightly", "orders", -absl::Hours(24)),
                   PlannedRun("ahead", "nightly", "orders", absl::Hours(24 * 300))});
  Change("runs/last", [](v1::Run& run) { run.set_state(v1::SUCCEEDED); });
  Change("runs/ahead", [](v1::Run& run) { run.set_state(v1::MISSED); });

  EXPECT_THAT(store().ReadDatabaseBackups(kOrders, Now())->failing_policies, IsEmpty());
  const absl::StatusOr<server::Page<server::RetentionView>> views = store().ListRetentionViews(Now(), {10, ""});
  ASSERT_THAT(views, IsOk());
  ASSERT_EQ(views->items.size(), 1u);
  EXPECT_FALSE(views->items[0].state.last_run_failed);
}

TEST_P(BackupStoreTest, ChangesTheBackupsOfADatabaseAllAtOnce) {
  AddBackup(TestBackup(1, kOrders));
  AddBackup(TestBackup(2, kOrders));
  v1::BackupHold hold;
  hold.set_reason("audit");
  ASSERT_THAT(store().SetBackupHold(TestBackup(2, kOrders).name(), hold, {}), IsOk());
  const auto begin_deletion =
      [](const server::DatabaseBackupsView& view) -> absl::StatusOr<server::DatabaseBackupsChange> {
    server::DatabaseBackupsChange change;
    for (const v1::Backup& backup : view.backups) {
      change.backups.push_back(backup);
      change.backups.back().set_state(v1::DELETING);
      change.create_runs.push_back(ReadingRun("delete" + std::to_string(change.backups.size()), backup, v1::DELETE));
      change.events.push_back(TestEvent(backup.name(), "BACKUP_DELETING"));
    }
    return change;
  };

  const absl::StatusOr<server::DatabaseBackupsChange> change =
      store().ChangeDatabaseBackups(kOrders, Now(), begin_deletion);

  ASSERT_THAT(change, IsOk());
  EXPECT_THAT(NamesOf(change->create_runs), ElementsAre("runs/delete1", "runs/delete2"));
  const v1::Backup stored = *store().GetBackup(TestBackup(2, kOrders).name());
  EXPECT_EQ(stored.state(), v1::DELETING);
  EXPECT_TRUE(stored.has_manifest());
  EXPECT_TRUE(stored.has_hold()) << "only SetBackupHold writes it";
  const v1::Run run = *store().GetRun("runs/delete2");
  EXPECT_EQ(run.kind(), v1::DELETE);
  EXPECT_TRUE(run.manual());
  EXPECT_EQ(store().ListEvents(stored.name(), {1, ""})->items.at(0).type(), "BACKUP_DELETING");
}

TEST_P(BackupStoreTest, ADecisionAboutBackupsThatFailsHasNoEffect) {
  AddBackup(TestBackup(1, kOrders));
  const auto with = [&](const std::function<void(server::DatabaseBackupsChange&)>& spoil) {
    return store()
        .ChangeDatabaseBackups(
            kOrders, Now(),
            [&](const server::DatabaseBackupsView& view) -> absl::StatusOr<server::DatabaseBackupsChange> {
              server::DatabaseBackupsChange change;
              change.backups = view.backups;
              change.backups[0].set_state(v1::DELETING);
              spoil(change);
              return change;
            })
        .status();
  };
  EXPECT_THAT(with([](auto& change) { change.backups[0].set_database(kHr); }), HasReason("INVALID_FIELD"));
  EXPECT_THAT(with([](auto& change) { change.create_runs.push_back(ReadingRun("x", TestBackup(3, kHr), v1::DELETE)); }),
              HasReason("INVALID_FIELD"));
  EXPECT_THAT(with([](auto& change) { change.events.push_back(TestEvent(std::string("a\0b", 3))); }),
              HasReason("VALUE_INVALID"));
  EXPECT_THAT(store().ChangeDatabaseBackups(
                  kOrders, Now(),
                  [](const server::DatabaseBackupsView&) -> absl::StatusOr<server::DatabaseBackupsChange> {
                    return absl::InternalError("no");
                  }),
              ::testing::Not(IsOk()));
  EXPECT_EQ(store().GetBackup(TestBackup(1, kOrders).name())->state(), v1::GOOD);
}

TEST_P(BackupStoreTest, WhatIsOnItsWayOutIsNeitherReadNorHeld) {
  AddBackup(TestBackup(1, kOrders, v1::DELETING));
  AddBackup(TestBackup(2, kOrders, v1::DELETED));
  for (const int minute : {1, 2}) {
    const v1::Backup backup = TestBackup(minute, kOrders);
    EXPECT_THAT(store().CreateRun(ReadingRun("v", backup), "", Now(), {}), HasReason("BACKUP_DELETED"));
    EXPECT_THAT(store().SetBackupHold(backup.name(), v1::BackupHold(), {}), HasReason("BACKUP_DELETED"));
    EXPECT_THAT(store().SetBackupHold(backup.name(), std::nullopt, {}), IsOk());
  }
}

TEST_P(BackupStoreTest, DeletedOnesAreListedOnlyWhenAskedForAndWeighNothing) {
  AddBackup(TestBackup(1, kOrders));
  AddBackup(TestBackup(2, kOrders));
  v1::Backup deleted = TestBackup(2, kOrders, v1::DELETED);
  AddBackup(deleted);
  EXPECT_THAT(Listed({}), ElementsAre(TestBackup(1, kOrders).name()));
  v1::BackupFilter filter;
  filter.add_states(v1::DELETED);
  EXPECT_THAT(Listed(filter), ElementsAre(deleted.name()));
  filter.add_states(v1::GOOD);
  EXPECT_THAT(Listed(filter), ElementsAre(deleted.name(), TestBackup(1, kOrders).name()));
  const absl::StatusOr<v1::FleetStatus> status = store().ReadFleetStatus(Now(), {});
  ASSERT_THAT(status, IsOk());
  EXPECT_EQ(status->good_backup_count(), 1);
  EXPECT_EQ(status->total_size_bytes(), TestBackup(1, kOrders).size_bytes());
}

}  // namespace
}  // namespace backup::testing
