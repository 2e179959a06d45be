// SPDX-License-Identifier: Apache-2.0
// Many threads on the same rows.
#include <atomic>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/store_contract.h"

namespace backup::testing {
namespace {

constexpr int kThreadCount = 16;

class RaceStoreTest : public StoreContractTest {
 protected:
  void SetUp() override {
    StoreContractTest::SetUp();
    if (HasFatalFailure()) return;
    AddAgent("db1", {"orders"});
  }
  // Calls `body` with 0 to kThreadCount - 1, on a thread each.
  void OnThreads(const std::function<void(int)>& body) {
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreadCount; ++i) threads.emplace_back(body, i);
    for (std::thread& thread : threads) thread.join();
  }
};
INSTANTIATE_STORE_CONTRACT(RaceStoreTest);

TEST_P(RaceStoreTest, TheSameSlotsPlannedByAllGiveOneRowEach) {
  constexpr int kSlotCount = 40;
  AddPolicy("nightly");
  OnThreads([&](int thread) {
    std::vector<v1::Run> runs;
    for (int slot = 0; slot < kSlotCount; ++slot) {
      runs.push_back(PlannedRun(absl::StrCat("r", thread, "s", slot), "nightly", "orders", absl::Hours(slot)));
    }
    Plan("nightly", runs);
  });

  std::set<int64_t> slots;
  const std::vector<v1::Run> runs =
      AllPages<v1::Run>(100, [&](const server::PageRequest& page) { return store().ListRuns({}, page); });
  for (const v1::Run& run : runs) slots.insert(run.slot_time().seconds());
  EXPECT_EQ(runs.size(), static_cast<size_t>(kSlotCount));
  EXPECT_EQ(slots.size(), static_cast<size_t>(kSlotCount));
}

TEST_P(RaceStoreTest, TenThousandSlotsPlannedByAllGiveTenThousandRows) {
  constexpr int kSlotCount = 10'000;
  constexpr int kStep = 1'000;
  AddPolicy("nightly");
  OnThreads([&](int thread) {
    // Each begins elsewhere, so that they meet in all of it.
    for (int step = 0; step < kSlotCount / kStep; ++step) {
      const int first = (step + thread) % (kSlotCount / kStep) * kStep;
      std::vector<v1::Run> runs;
      for (int slot = first; slot < first + kStep; ++slot) {
        runs.push_back(PlannedRun(absl::StrCat("r", thread, "s", slot), "nightly", "orders", -absl::Minutes(slot)));
        runs.back().set_state(v1::MISSED);
      }
      // On a slow machine a connection may not come free in time: then it is to be tried again, says the catalog.
      absl::Status planned = absl::UnavailableError("");
      while (absl::IsUnavailable(planned)) {
        planned = store()
                      .ChangePolicy("policies/nightly", Now(),
                                    [&](const server::PolicyView&) -> absl::StatusOr<server::PolicyChange> {
                                      server::PolicyChange change;
                                      change.create_runs = runs;
                                      return change;
                                    })
                      .status();
      }
      EXPECT_THAT(planned, IsOk());
    }
  });

  std::set<int64_t> slots;
  const std::vector<v1::Run> runs =
      AllPages<v1::Run>(1000, [&](const server::PageRequest& page) { return store().ListRuns({}, page); });
  for (const v1::Run& run : runs) slots.insert(run.slot_time().seconds());
  EXPECT_EQ(runs.size(), static_cast<size_t>(kSlotCount));
  EXPECT_EQ(slots.size(), static_cast<size_t>(kSlotCount));
}

TEST_P(RaceStoreTest, DueRunsAreCountedOnceWhoeverChangesThem) {
  constexpr int kRunCount = 5;
  AddPolicy("nightly");
  std::vector<v1::Run> runs;
  for (int i = 0; i < kThreadCount * kRunCount; ++i) {
    runs.push_back(PlannedRun(absl::StrCat("r", i), "nightly", "orders", -absl::Minutes(i + 1)));
  }
  Plan("nightly", runs);
  // Each thread ends runs of its own, and all of them move all runs on.
  OnThreads([&](int thread) {
    for (const v1::RunState state : {v1::PENDING, v1::RUNNING}) {
      for (const v1::Run& run : runs) {
        Change(run.name(), [&](v1::Run& r) {
          if (r.state() < state) r.set_state(state);
        });
      }
    }
    for (int i = 0; i < kRunCount; ++i) {
      Change(runs[thread * kRunCount + i].name(),
             [&](v1::Run& r) { r.set_state(i % 2 == 0 ? v1::SUCCEEDED : v1::FAILED); });
    }
  });
  const absl::StatusOr<v1::FleetStatus> status = store().ReadFleetStatus(Now() + absl::Hours(12), {});
  ASSERT_THAT(status, IsOk());
  EXPECT_EQ(status->due_count_24h(), kThreadCount * kRunCount);
  EXPECT_EQ(status->succeeded_count_24h(), kThreadCount * 3);
}

TEST_P(RaceStoreTest, PlansOfOnePolicyComeOneAfterAnother) {
  AddPolicy("nightly");
  // Each adds a slot after the last one it sees: none is lost only if nobody decides from an old view.
  OnThreads([&](int thread) {
    EXPECT_THAT(store().ChangePolicy("policies/nightly", Now(),
                                     [&](const server::PolicyView& view) -> absl::StatusOr<server::PolicyChange> {
                                       server::PolicyChange change;
                                       change.create_runs = {PlannedRun(absl::StrCat("r", thread), "nightly", "orders",
                                                                        absl::Hours(view.scheduled_runs.size()))};
                                       return change;
                                     }),
                IsOk());
  });
  EXPECT_EQ(store().ListRuns({}, {1000, ""})->items.size(), static_cast<size_t>(kThreadCount));
}

TEST_P(RaceStoreTest, ATokenUsedByAllHasOneWinner) {
  ASSERT_THAT(store().PutEnrollmentToken(TokenHash('a'), "agents/new", Now() + absl::Hours(1), {}), IsOk());
  std::atomic<int> won = 0;
  std::atomic<int> refused = 0;
  OnThreads([&](int thread) {
    v1::Agent agent;
    agent.set_name("agents/new");
    *agent.mutable_enroll_time() = ToProto(Now() + absl::Seconds(thread));
    const absl::Status status = store().UseEnrollmentToken(TokenHash('a'), Now(), agent, {TestEvent("agents/new")});
    if (status.ok()) ++won;
    if (ErrorReason(status) == "ENROLLMENT_TOKEN_INVALID") ++refused;
  });
  EXPECT_EQ(won, 1);
  EXPECT_EQ(refused, kThreadCount - 1);
  EXPECT_EQ(store().ListEvents("agents/new", {})->items.size(), 1u);
}

TEST_P(RaceStoreTest, NoChangeOfARunIsLost) {
  constexpr int kChangesPerThread = 10;
  AddRun(ManualRun("r1", kOrders));
  OnThreads([&](int) {
    for (int i = 0; i < kChangesPerThread; ++i) {
      Change("runs/r1", [](v1::Run& run) { run.mutable_progress()->set_row_count(run.progress().row_count() + 1); });
    }
  });
  EXPECT_EQ(store().GetRun("runs/r1")->progress().row_count(), kThreadCount * kChangesPerThread);
}

TEST_P(RaceStoreTest, OneRequestOfAllGivesOneRun) {
  std::vector<std::string> names(kThreadCount);
  OnThreads([&](int thread) {
    const absl::StatusOr<v1::Run> run =
        store().CreateRun(ManualRun(absl::StrCat("r", thread), kOrders), "request", Now(), {TestEvent("runs/x")});
    EXPECT_THAT(run, IsOk());
    if (run.ok()) names[thread] = run->name();
  });
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), 1u);
  EXPECT_EQ(store().ListRuns({}, {})->items.size(), 1u);
  EXPECT_EQ(store().ListEvents("runs/x", {})->items.size(), 1u);
}

TEST_P(RaceStoreTest, LogLinesUploadedByAllAreThereOnce) {
  AddRun(ManualRun("r1", kOrders));
  std::vector<v1::RunLogLine> lines(20);
  for (size_t i = 0; i < lines.size(); ++i) {
    lines[i].set_offset(static_cast<int64_t>(i));
    lines[i].set_text(absl::StrCat("line ", i));
  }
  OnThreads([&](int thread) {
    const size_t size = 1 + static_cast<size_t>(thread) % lines.size();
    EXPECT_THAT(store().AppendRunLog("runs/r1", absl::MakeSpan(lines).subspan(0, size)), IsOk());
  });
  EXPECT_THAT(store().AppendRunLog("runs/r1", lines), IsOkAndHolds(20));
  EXPECT_EQ(store().ListRunLog("runs/r1", 0, 1000)->size(), lines.size());
}

TEST_P(RaceStoreTest, CountsOfBackupsStayRight) {
  for (int i = 0; i < kThreadCount; ++i) AddRun(ManualRun(absl::StrCat("r", i), kOrders));
  OnThreads([&](int thread) {
    for (const v1::BackupState state : {v1::SUSPICIOUS, v1::GOOD}) {
      EXPECT_THAT(store().ChangeRun(absl::StrCat("runs/r", thread),
                                    [&](const server::RunView& view) -> absl::StatusOr<server::RunChange> {
                                      return server::RunChange{view.run, {TestBackup(thread, kOrders, state)}, {}};
                                    }),
                  IsOk());
    }
  });
  const absl::StatusOr<v1::FleetStatus> status = store().ReadFleetStatus(Now(), {});
  ASSERT_THAT(status, IsOk());
  EXPECT_EQ(status->good_backup_count(), kThreadCount);
  EXPECT_EQ(status->total_size_bytes(), kThreadCount * 1000);
}

TEST_P(RaceStoreTest, PlanningDeliveringAndReportingAtOnceEndWell) {
  AddPolicy("nightly");
  std::vector<v1::Run> runs;
  for (int i = 0; i < 30; ++i) runs.push_back(PlannedRun(absl::StrCat("r", i), "nightly", "orders", absl::Hours(i)));
  Plan("nightly", runs);
  OnThreads([&](int thread) {
    switch (thread % 3) {
      case 0:
        EXPECT_THAT(store().ChangePolicy("policies/nightly", Now(),
                                         [&](const server::PolicyView& view) -> absl::StatusOr<server::PolicyChange> {
                                           server::PolicyChange change;
                                           change.update_runs = view.scheduled_runs;
                                           for (v1::Run& run : change.update_runs) run.set_epoch(run.epoch() + 1);
                                           return change;
                                         }),
                    IsOk());
        break;
      case 1:
        EXPECT_THAT(store().MarkDelivered(std::vector<v1::Run>(runs.rbegin(), runs.rend())), IsOk());
        break;
      default:
        Change(absl::StrCat("runs/r", thread), [](v1::Run& run) { run.set_state(v1::RUNNING); });
    }
  });
  EXPECT_EQ(store().GetRun("runs/r0")->epoch(), 7) << "six replans, none lost";
}

TEST_P(RaceStoreTest, WhatIsBegunToBeDeletedIsBroughtBackByNoReport) {
  constexpr int kBackupCount = 20;
  for (int i = 0; i < kBackupCount; ++i) {
    AddBackup(TestBackup(i, kOrders));
    v1::Run run = ManualRun(absl::StrCat("verify", i), kOrders);
    run.set_kind(v1::VERIFY);
    run.set_backup(TestBackup(i, kOrders).name());
    AddRun(run);
  }
  OnThreads([&](int thread) {
    for (int i = 0; i < kBackupCount; ++i) {
      if (thread % 2 == 0) {
        // A report that finds it good; it says nothing of one that is on its way out.
        EXPECT_THAT(store().ChangeRun(absl::StrCat("runs/verify", i),
                                      [](const server::RunView& view) -> absl::StatusOr<server::RunChange> {
                                        server::RunChange change{view.run, {}, {}};
                                        if (view.backup->state() == v1::GOOD) change.backups = {*view.backup};
                                        return change;
                                      }),
                    IsOk());
        continue;
      }
      EXPECT_THAT(store().ChangeDatabaseBackups(
                      kOrders, Now(),
                      [&](const server::DatabaseBackupsView& view) -> absl::StatusOr<server::DatabaseBackupsChange> {
                        server::DatabaseBackupsChange change;
                        change.backups = {view.backups.at(i)};
                        change.backups[0].set_state(v1::DELETING);
                        return change;
                      }),
                  IsOk());
    }
  });
  for (int i = 0; i < kBackupCount; ++i) {
    EXPECT_EQ(store().GetBackup(TestBackup(i, kOrders).name())->state(), v1::DELETING) << i;
  }
}

}  // namespace
}  // namespace backup::testing
