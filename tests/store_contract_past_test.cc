// SPDX-License-Identifier: Apache-2.0
#include "absl/strings/str_cat.h"
#include "tests/store_contract.h"

namespace backup::testing {
namespace {

using server::PastBackup;
using server::SlotCount;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class PastStoreTest : public StoreContractTest {
 protected:
  void SetUp() override {
    StoreContractTest::SetUp();
    if (HasFatalFailure()) return;
    AddAgent("db1", {"orders", "crm"});
    AddPolicy("nightly");
    AddPolicy("hourly");
  }
  // A slot of the schedule, `hours` from now, that ended so; with the backup that it brought.
  void AddSlot(int hours, v1::RunState state, const std::string& backup = "", const std::string& policy = "nightly",
               const std::string& database = "orders") {
    const v1::Run run = PlannedRun(absl::StrCat(policy, database, hours + 1000), policy, database, absl::Hours(hours));
    Plan(policy, {run});
    Change(run.name(), [&](v1::Run& changed) {
      changed.set_state(state);
      changed.set_backup(backup);
    });
  }
  std::string AddBackupOf(int minute, v1::BackupState state = v1::GOOD, const std::string& reason = "",
                          const std::string& database = kOrders) {
    v1::Backup backup = TestBackup(minute, database, state);
    backup.set_state_reason(reason);
    backup.set_plain_bytes(5000 + minute);
    AddBackup(backup);
    return backup.name();
  }
  // "nightly SUCCEEDED GOOD 2": policy, state, what it brought, how many.
  std::vector<std::string> Slots(int from_hours, int to_hours) {
    const auto slots = store().CountSlots(kOrders, Now() + absl::Hours(from_hours), Now() + absl::Hours(to_hours));
    EXPECT_THAT(slots, IsOk());
    std::vector<std::string> lines;
    for (const SlotCount& slot : slots.value_or(std::vector<SlotCount>())) {
      const std::string backup =
          slot.backup.state == v1::BACKUP_STATE_UNSPECIFIED ? "-" : v1::BackupState_Name(slot.backup.state);
      lines.push_back(absl::StrCat(slot.policy.substr(slot.policy.find('/') + 1), " ", v1::RunState_Name(slot.state),
                                   " ", backup, slot.backup.has_reason ? " for a reason " : " ", slot.count));
    }
    return lines;
  }
  // Minutes from now of each past backup in the span, page by page.
  std::vector<int64_t> PastMinutes(int from_minutes, int to_minutes, int page_size = 100) {
    std::vector<int64_t> minutes;
    for (const PastBackup& backup : AllPages<PastBackup>(page_size, [&](const server::PageRequest& page) {
           return store().ListPastBackups(kOrders, Now() + absl::Minutes(from_minutes),
                                          Now() + absl::Minutes(to_minutes), page);
         })) {
      minutes.push_back(absl::ToInt64Minutes(backup.snapshot_time - Now()));
    }
    return minutes;
  }
};
INSTANTIATE_STORE_CONTRACT(PastStoreTest);

TEST_P(PastStoreTest, CountsSlotsByPolicyEndAndWhatTheyBrought) {
  const std::string good = AddBackupOf(1);
  const std::string bad = AddBackupOf(2, v1::BAD, "gone");
  const std::string was_good = AddBackupOf(3, v1::DELETED);
  const std::string was_bad = AddBackupOf(4, v1::DELETED, "gone");
  AddSlot(-50, v1::SUCCEEDED, good);
  AddSlot(-5, v1::SUCCEEDED, good);
  AddSlot(-4, v1::SUCCEEDED, good);
  AddSlot(-3, v1::SUCCEEDED, bad);
  AddSlot(-2, v1::SUCCEEDED, was_good);
  AddSlot(-1, v1::SUCCEEDED, was_bad);
  AddSlot(0, v1::MISSED);
  AddSlot(0, v1::FAILED, "", "hourly");
  AddSlot(1, v1::SCHEDULED);
  AddSlot(-2, v1::FAILED, "", "nightly", "crm");
  AddRun(ManualRun("byhand", kOrders), [](v1::Run& run) { run.set_state(v1::FAILED); });

  EXPECT_THAT(Slots(-5, 2), ElementsAre("hourly FAILED - 1", "nightly MISSED - 1", "nightly SCHEDULED - 1",
                                        "nightly SUCCEEDED BAD for a reason 1", "nightly SUCCEEDED DELETED 1",
                                        "nightly SUCCEEDED DELETED for a reason 1", "nightly SUCCEEDED GOOD 2"));
  EXPECT_THAT(Slots(-5, -4), ElementsAre("nightly SUCCEEDED GOOD 1")) << "the end is not part of the span";
  EXPECT_THAT(Slots(5, 6), IsEmpty());
}

TEST_P(PastStoreTest, SaysWhenAPolicysSlotsBegan) {
  AddSlot(-50, v1::MISSED);
  AddSlot(-5, v1::FAILED);
  AddSlot(-4, v1::FAILED, "", "hourly");
  AddSlot(-90, v1::FAILED, "", "nightly", "crm");

  const auto slots = store().CountSlots(kOrders, Now() - absl::Hours(10), Now());

  ASSERT_THAT(slots, IsOk());
  ASSERT_EQ(slots->size(), 2u);
  EXPECT_EQ((*slots)[0].policy_first_slot, Now() - absl::Hours(4));
  EXPECT_EQ((*slots)[1].policy_first_slot, Now() - absl::Hours(50)) << "before the span, and of this database";
}

TEST_P(PastStoreTest, ListsPastBackupsByTheirTimeWhateverBecameOfThem) {
  AddBackupOf(30);
  AddBackupOf(10, v1::DELETED);
  AddBackupOf(20, v1::BAD, "gone");
  AddBackupOf(40);
  AddBackupOf(15, v1::GOOD, "", "agents/db1/databases/crm");

  EXPECT_THAT(PastMinutes(10, 40), ElementsAre(10, 20, 30));
  EXPECT_THAT(PastMinutes(0, 100, 1), ElementsAre(10, 20, 30, 40)) << "page by page";
  const auto page = store().ListPastBackups(kOrders, Now(), Now() + absl::Minutes(25), {10, ""});
  ASSERT_THAT(page, IsOk());
  ASSERT_EQ(page->items.size(), 2u);
  EXPECT_EQ(page->items[0].worth.state, v1::DELETED);
  EXPECT_FALSE(page->items[0].worth.has_reason);
  EXPECT_EQ(page->items[0].size_bytes, 1000);
  EXPECT_EQ(page->items[0].plain_bytes, 5010);
  EXPECT_EQ(page->items[0].row_count, 7);
  EXPECT_EQ(page->items[1].worth.state, v1::BAD);
  EXPECT_TRUE(page->items[1].worth.has_reason);
  EXPECT_THAT(store().ListPastBackups(kOrders, Now(), Now(), {10, "x"}), HasReason("PAGE_TOKEN_INVALID"));
  EXPECT_THAT(store().ListPastBackups(kOrders, Now(), Now(), {0, ""}), HasReason("INVALID_FIELD"));
}

TEST_P(PastStoreTest, PagesDoNotSplitBackupsOfOneMoment) {
  for (int i = 0; i < 5; ++i) {
    v1::Backup backup = TestBackup(i, kOrders);
    *backup.mutable_snapshot_time() = ToProto(Now());
    AddBackup(backup);
  }
  EXPECT_THAT(PastMinutes(0, 1, 2), ElementsAre(0, 0, 0, 0, 0));
}

TEST_P(PastStoreTest, FindsTheLastGoodBackupBeforeATime) {
  EXPECT_EQ(store().LastGoodBefore(kOrders, Now()).value_or(Now()), absl::InfinitePast());
  AddBackupOf(10);
  AddBackupOf(20, v1::DELETED);
  AddBackupOf(25, v1::DELETED, "its bytes were wrong");
  AddBackupOf(30, v1::SUSPICIOUS, "half as large");

  const auto minutes_before = [&](int minutes) {
    const auto last = store().LastGoodBefore(kOrders, Now() + absl::Minutes(minutes));
    EXPECT_THAT(last, IsOk());
    return absl::ToInt64Minutes(last.value_or(absl::InfinitePast()) - Now());
  };
  EXPECT_EQ(minutes_before(100), 20) << "deleted since, and good until then";
  EXPECT_EQ(minutes_before(20), 10);
}

TEST_P(PastStoreTest, ListsDrillsOfASpan) {
  const auto add_drill = [&](int hours, v1::RunState state) {
    v1::Run run = PlannedRun(absl::StrCat("drill", hours), "nightly", "orders", absl::Hours(hours));
    run.set_kind(v1::DRILL);
    Plan("nightly", {run});
    if (state != v1::SCHEDULED) Change(run.name(), [&](v1::Run& changed) { changed.set_state(state); });
  };
  for (int hours : {3, 1, 2}) add_drill(hours, v1::FAILED);
  add_drill(4, v1::SCHEDULED);
  AddSlot(2, v1::FAILED);
  const auto drills = [&](int from_hours, int to_hours, int limit) {
    const auto runs =
        store().ListPastDrills(kOrders, Now() + absl::Hours(from_hours), Now() + absl::Hours(to_hours), limit);
    EXPECT_THAT(runs, IsOk());
    return NamesOf(runs.value_or(std::vector<v1::Run>()));
  };
  EXPECT_THAT(drills(1, 10, 10), ElementsAre("runs/drill3", "runs/drill2", "runs/drill1"));
  EXPECT_THAT(drills(1, 3, 10), ElementsAre("runs/drill2", "runs/drill1"));
  EXPECT_THAT(drills(1, 10, 1), ElementsAre("runs/drill3"));
}

TEST_P(PastStoreTest, NamesOfTheWrongFormHaveNoPast) {
  for (const std::string& name : {std::string("orders"), std::string("agents/db1"), std::string("x\0y", 3)}) {
    EXPECT_TRUE(store().CountSlots(name, Now(), Now() + absl::Hours(1))->empty());
    EXPECT_TRUE(store().ListPastBackups(name, Now(), Now() + absl::Hours(1), {})->items.empty());
    EXPECT_EQ(store().LastGoodBefore(name, Now()).value_or(Now()), absl::InfinitePast());
    EXPECT_TRUE(store().ListPastDrills(name, Now(), Now() + absl::Hours(1), 10)->empty());
  }
}

}  // namespace
}  // namespace backup::testing
