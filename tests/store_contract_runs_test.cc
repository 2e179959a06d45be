// SPDX-License-Identifier: Apache-2.0
#include <optional>

#include "base/errors.h"
#include "tests/store_contract.h"

namespace backup::testing {
namespace {

class RunStoreTest : public StoreContractTest {
 protected:
  void SetUp() override {
    StoreContractTest::SetUp();
    if (HasFatalFailure()) return;
    AddAgent("db1", {"orders", "crm"});
  }
  // The view that a change of the run is decided from.
  server::RunView ViewOf(const std::string& name) {
    server::RunView seen;
    EXPECT_THAT(store().ChangeRun(name,
                                  [&](const server::RunView& view) -> absl::StatusOr<server::RunChange> {
                                    seen = view;
                                    return server::RunChange{view.run, {}, {}};
                                  }),
                IsOk());
    return seen;
  }
};
INSTANTIATE_STORE_CONTRACT(RunStoreTest);

TEST_P(RunStoreTest, CreatesARunByHandWithItsEvents) {
  const v1::Run run = ManualRun("r1", kOrders);
  const absl::StatusOr<v1::Run> created = store().CreateRun(run, "", Now(), {TestEvent(run.name())});

  ASSERT_THAT(created, IsOk());
  v1::Run expected = run;
  expected.set_sequence(created->sequence());
  *expected.mutable_create_time() = ToProto(Now());
  EXPECT_THAT(*created, EqualsProto(expected));
  EXPECT_GT(created->sequence(), 0);
  EXPECT_THAT(store().GetRun("runs/r1"), IsOkAndHolds(EqualsProto(expected)));
  EXPECT_EQ(store().ListEvents("runs/r1", {})->items.size(), 1u);
}

TEST_P(RunStoreTest, DoesNotFindWhatIsNotThere) {
  for (const std::string name : {"runs/none", "r1", "", "runs/", "runs/UPPER", "runs/\xff", "backups/x"}) {
    EXPECT_THAT(store().GetRun(name), HasReason("RUN_NOT_FOUND")) << name;
    EXPECT_THAT(store().ChangeRun(name,
                                  [](const server::RunView& view) -> absl::StatusOr<server::RunChange> {
                                    return server::RunChange{view.run, {}, {}};
                                  }),
                HasReason("RUN_NOT_FOUND"))
        << name;
    EXPECT_THAT(store().AppendRunLog(name, {}), HasReason("RUN_NOT_FOUND")) << name;
    EXPECT_THAT(store().ListRunLog(name, 0, 10), HasReason("RUN_NOT_FOUND")) << name;
  }
}

TEST_P(RunStoreTest, TheSameRequestWithinADayGivesTheSameRun) {
  ASSERT_THAT(store().CreateRun(ManualRun("r1", kOrders), "request", Now(), {}), IsOk());

  const absl::StatusOr<v1::Run> again =
      store().CreateRun(ManualRun("r2", kOrders), "request", Now() + absl::Hours(23), {TestEvent("runs/r2")});
  const absl::StatusOr<v1::Run> later =
      store().CreateRun(ManualRun("r3", kOrders), "request", Now() + absl::Hours(25), {});
  const absl::StatusOr<v1::Run> other = store().CreateRun(ManualRun("r4", kOrders), "Request", Now(), {});

  EXPECT_EQ(again->name(), "runs/r1");
  EXPECT_THAT(store().GetRun("runs/r2"), HasReason("RUN_NOT_FOUND"));
  EXPECT_TRUE(store().ListEvents("runs/r2", {})->items.empty());
  EXPECT_EQ(later->name(), "runs/r3");
  EXPECT_EQ(other->name(), "runs/r4");
}

TEST_P(RunStoreTest, ARefusedRequestIsNotRemembered) {
  EXPECT_THAT(store().CreateRun(ManualRun("r1", "agents/db1/databases/none"), "request", Now(), {}),
              HasReason("DATABASE_NOT_FOUND"));
  EXPECT_THAT(store().CreateRun(ManualRun("r1", kOrders), "request", Now(), {}), IsOk());
}

TEST_P(RunStoreTest, RunsByHandMayShareASlot) {
  EXPECT_EQ(AddRun(ManualRun("r1", kOrders)).name(), "runs/r1");
  EXPECT_EQ(AddRun(ManualRun("r2", kOrders)).name(), "runs/r2");
  EXPECT_LT(store().GetRun("runs/r1")->sequence(), store().GetRun("runs/r2")->sequence());
}

TEST_P(RunStoreTest, ACreateThatIsRepeatedGivesTheSameRunAndATakenNameIsRefused) {
  const v1::Run first = AddRun(ManualRun("r1", kOrders));
  EXPECT_THAT(store().CreateRun(ManualRun("r1", kOrders), "", Now(), {}), IsOkAndHolds(EqualsProto(first)));
  const absl::StatusOr<v1::Run> other = store().CreateRun(ManualRun("r1", "agents/db1/databases/crm"), "", Now(), {});
  EXPECT_THAT(other, StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(other, HasReason("RUN_ALREADY_EXISTS"));
}

TEST_P(RunStoreTest, CreateRefusesWhatItNamesInVain) {
  v1::Run verify = ManualRun("v1", kOrders);
  verify.set_kind(v1::VERIFY);
  EXPECT_THAT(store().CreateRun(verify, "", Now(), {}), HasReason("INVALID_FIELD"));
  verify.set_backup("backups/20261123T120000Z-0123456789");
  EXPECT_THAT(store().CreateRun(verify, "", Now(), {}), HasReason("BACKUP_NOT_FOUND"));

  AddBackup(TestBackup(0, kOrders));
  EXPECT_THAT(store().CreateRun(verify, "", Now(), {}), IsOk());
}

TEST_P(RunStoreTest, ABackupOfADatabaseThatIsGoneCanBeVerifiedButNotMade) {
  AddBackup(TestBackup(0, kOrders));
  AddAgent("db1", {"crm"});
  v1::Run verify = ManualRun("v1", kOrders);
  verify.set_kind(v1::VERIFY);
  verify.mutable_spec()->set_backup_id("20261123T120000Z-0123456789");
  EXPECT_THAT(store().CreateRun(verify, "", Now(), {}), IsOk());
  EXPECT_THAT(store().CreateRun(ManualRun("r1", kOrders), "", Now(), {}), HasReason("DATABASE_NOT_FOUND"));
}

TEST_P(RunStoreTest, ChangeStoresTheRunItsBackupsAndEventsTogether) {
  AddRun(ManualRun("r1", kOrders));
  const absl::StatusOr<v1::Run> changed =
      store().ChangeRun("runs/r1", [](const server::RunView& view) -> absl::StatusOr<server::RunChange> {
        server::RunChange change{view.run, {TestBackup(1, kOrders)}, {TestEvent("runs/r1")}};
        change.run.set_state(v1::SUCCEEDED);
        change.run.set_attempt_id("a1");
        change.run.set_backup("backups/20261123T120100Z-0123456789");
        change.run.mutable_progress()->set_plain_bytes(int64_t{1} << 60);
        change.run.mutable_failure()->add_stderr_lines("line");
        *change.run.mutable_lease_end_time() = ToProto(Now() + absl::Minutes(1));
        *change.run.mutable_end_time() = ToProto(Now() + absl::Nanoseconds(123456789));
        return change;
      });

  ASSERT_THAT(changed, IsOk());
  EXPECT_EQ(changed->state(), v1::SUCCEEDED);
  EXPECT_EQ(changed->end_time().nanos(), 123456789);
  EXPECT_THAT(store().GetRun("runs/r1"), IsOkAndHolds(EqualsProto(*changed)));
  EXPECT_THAT(store().GetBackup("backups/20261123T120100Z-0123456789"), IsOk());
  EXPECT_EQ(store().ListEvents("runs/r1", {})->items.size(), 1u);
}

TEST_P(RunStoreTest, ADecisionsErrorIsReturnedAsItIsAndNothingIsDone) {
  const v1::Run before = AddRun(ManualRun("r1", kOrders));
  EXPECT_THAT(store().ChangeRun("runs/r1",
                                [](const server::RunView&) -> absl::StatusOr<server::RunChange> {
                                  return StaleEpoch("runs/r1", 1, 2);
                                }),
              HasReason("STALE_EPOCH"));
  EXPECT_THAT(store().GetRun("runs/r1"), IsOkAndHolds(EqualsProto(before)));
}

TEST_P(RunStoreTest, WhatARunIsAboutNeverChanges) {
  const v1::Run before = AddRun(ManualRun("r1", kOrders));
  const v1::Run after = Change("runs/r1", [](v1::Run& run) {
    run.set_kind(v1::VERIFY);
    run.set_database("agents/db1/databases/crm");
    run.set_policy("policies/x");
    run.set_manual(false);
    run.set_sequence(99);
    run.clear_slot_time();
    run.clear_create_time();
  });
  EXPECT_THAT(after, EqualsProto(before));
  EXPECT_THAT(store().GetRun("runs/r1"), IsOkAndHolds(EqualsProto(before)));
}

TEST_P(RunStoreTest, AWrongValueAnywhereStopsTheWholeChange) {
  const v1::Run before = AddRun(ManualRun("r1", kOrders));
  const absl::StatusOr<v1::Run> changed =
      store().ChangeRun("runs/r1", [](const server::RunView& view) -> absl::StatusOr<server::RunChange> {
        server::RunChange change{view.run, {TestBackup(1, kOrders), TestBackup(2, kOrders)}, {}};
        change.run.set_state(v1::SUCCEEDED);
        change.backups[1].set_size_bytes(-1);
        return change;
      });
  EXPECT_THAT(changed, HasReason("VALUE_INVALID"));
  EXPECT_THAT(store().GetRun("runs/r1"), IsOkAndHolds(EqualsProto(before)));
  EXPECT_THAT(store().GetBackup("backups/20261123T120100Z-0123456789"), HasReason("BACKUP_NOT_FOUND"));
}

TEST_P(RunStoreTest, ViewHoldsThePolicyWhileItExists) {
  AddPolicy("nightly", /*paused=*/true);
  Plan("nightly", {PlannedRun("r1", "nightly", "orders", absl::Hours(1))});
  AddRun(ManualRun("r3", kOrders));

  const server::RunView view = ViewOf("runs/r1");

  ASSERT_TRUE(view.policy.has_value());
  EXPECT_TRUE(view.policy->spec().schedule().paused());
  EXPECT_FALSE(ViewOf("runs/r3").policy.has_value());
}

TEST_P(RunStoreTest, ViewOfWhatWaitsHoldsTheNextLaterSlotThatMayRunOrRan) {
  AddPolicy("nightly");
  v1::Run drill = PlannedRun("drill", "nightly", "orders", absl::Hours(2));
  drill.set_kind(v1::DRILL);
  Plan("nightly",
       {PlannedRun("r1", "nightly", "orders", absl::Hours(1)), PlannedRun("r5", "nightly", "orders", absl::Hours(5)),
        PlannedRun("r4", "nightly", "orders", absl::Hours(4)), PlannedRun("r3", "nightly", "orders", absl::Hours(3)),
        PlannedRun("crm", "nightly", "crm", absl::Hours(2)), drill});
  AddRun(ManualRun("m1", kOrders));
  Change("runs/r3", [](v1::Run& run) { run.set_state(v1::MISSED); });
  ASSERT_TRUE(ViewOf("runs/r1").later.has_value());
  EXPECT_EQ(ViewOf("runs/r1").later->name(), "runs/r4");
  Change("runs/r4", [](v1::Run& run) { run.set_state(v1::SUCCEEDED); });
  EXPECT_EQ(ViewOf("runs/r1").later->name(), "runs/r4");
  EXPECT_FALSE(ViewOf("runs/r5").later.has_value());
  EXPECT_FALSE(ViewOf("runs/crm").later.has_value());
  EXPECT_FALSE(ViewOf("runs/drill").later.has_value());
  EXPECT_FALSE(ViewOf("runs/m1").later.has_value());
  Change("runs/r1", [](v1::Run& run) { run.set_state(v1::RUNNING); });
  EXPECT_FALSE(ViewOf("runs/r1").later.has_value()) << "it works, and nothing stands in for it";
}

TEST_P(RunStoreTest, ViewHoldsTheOverlappingRunOfTheSamePolicyAndDatabase) {
  AddPolicy("nightly");
  Plan("nightly",
       {PlannedRun("r1", "nightly", "orders", absl::Hours(1)), PlannedRun("r2", "nightly", "orders", absl::Hours(2)),
        PlannedRun("r3", "nightly", "crm", absl::Hours(1))});
  EXPECT_FALSE(ViewOf("runs/r2").overlapping.has_value());

  Change("runs/r1", [](v1::Run& run) { run.set_state(v1::RUNNING); });

  ASSERT_TRUE(ViewOf("runs/r2").overlapping.has_value());
  EXPECT_EQ(ViewOf("runs/r2").overlapping->name(), "runs/r1");
  EXPECT_FALSE(ViewOf("runs/r1").overlapping.has_value()) << "a run does not overlap itself";
  EXPECT_FALSE(ViewOf("runs/r3").overlapping.has_value());
}

TEST_P(RunStoreTest, ViewHoldsTheNewestGoodBackupAndItsOwnWithManifests) {
  AddBackup(TestBackup(3, kOrders));
  AddBackup(TestBackup(1, kOrders));
  AddBackup(TestBackup(4, kOrders, v1::BAD));
  AddBackup(TestBackup(5, "agents/db1/databases/crm"));
  v1::Run verify = ManualRun("v1", kOrders);
  verify.set_kind(v1::VERIFY);
  verify.mutable_spec()->set_backup_id("20261123T120400Z-0123456789");
  AddRun(verify);

  const server::RunView view = ViewOf("runs/v1");

  ASSERT_TRUE(view.last_good.has_value());
  EXPECT_EQ(view.last_good->name(), "backups/20261123T120100Z-0123456789") << "by sequence, not by time";
  EXPECT_EQ(view.last_good->manifest().tables_size(), 1);
  ASSERT_TRUE(view.backup.has_value());
  EXPECT_EQ(view.backup->name(), "backups/20261123T120400Z-0123456789");
  EXPECT_EQ(view.backup->manifest().tables_size(), 1);
}

TEST_P(RunStoreTest, MarksDeliveredOnlyWhatIsOpenAndOfThisEpoch) {
  for (const char* id : {"r1", "r2", "r3", "r4"}) AddRun(ManualRun(id, kOrders));
  std::vector<v1::Run> runs;
  for (const char* id : {"r1", "r2", "r3"}) runs.push_back(*store().GetRun(std::string("runs/") + id));
  runs.push_back(ManualRun("none", kOrders));
  runs.emplace_back();
  Change("runs/r2", [](v1::Run& run) { run.set_epoch(2); });
  Change("runs/r3", [](v1::Run& run) { run.set_state(v1::CANCELLED); });

  EXPECT_THAT(store().MarkDelivered(runs), IsOk());
  EXPECT_THAT(store().MarkDelivered(runs), IsOk()) << "idempotent";
  EXPECT_THAT(store().MarkDelivered({}), IsOk());

  EXPECT_TRUE(store().GetRun("runs/r1")->delivered());
  EXPECT_FALSE(store().GetRun("runs/r2")->delivered());
  EXPECT_FALSE(store().GetRun("runs/r3")->delivered());
  EXPECT_FALSE(store().GetRun("runs/r4")->delivered());
}

}  // namespace
}  // namespace backup::testing
