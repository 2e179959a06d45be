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

}  // namespace
}  // namespace backup::testing
