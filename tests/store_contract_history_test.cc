// SPDX-License-Identifier: Apache-2.0
#include <map>

#include "absl/strings/str_cat.h"
#include "tests/store_contract.h"

namespace backup::testing {
namespace {

using server::Compaction;
using server::RunCount;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr char kCrm[] = "agents/db1/databases/crm";

class HistoryStoreTest : public StoreContractTest {
 protected:
  void SetUp() override {
    StoreContractTest::SetUp();
    if (HasFatalFailure()) return;
    AddAgent("db1", {"orders", "crm"});
    AddPolicy("nightly");
  }
  static absl::Time DaysAgo(int days) { return Now() - absl::Hours(24) * days; }
  // A run of the policy that was due so many days ago.
  void AddPast(const std::string& id, int days_ago, v1::RunState state, const std::string& database = "orders",
               v1::RunKind kind = v1::BACKUP) {
    v1::Run run = PlannedRun(id, "nightly", database, -absl::Hours(24) * days_ago);
    run.set_kind(kind);
    Plan("nightly", {run});
    Change(run.name(), [&](v1::Run& r) { r.set_state(state); });
  }
  // Step by step, as often as it takes. Returns how many runs went.
  int64_t Compact(absl::Time before, int limit = 100) {
    int64_t removed = 0;
    std::string from;
    do {
      const absl::StatusOr<Compaction> step = store().CompactRuns(before, from, limit);
      EXPECT_THAT(step, IsOk());
      if (!step.ok()) break;
      EXPECT_LE(step->removed_count, limit);
      removed += step->removed_count;
      from = step->next;
    } while (!from.empty());
    return removed;
  }
  std::vector<std::string> Left() { return NamesOf(store().ListRuns({}, {1000, ""})->items); }
  // "2026-01 SUCCEEDED 3", by month and state.
  std::vector<std::string> Counts(const std::string& database = kOrders, absl::Time since = absl::InfinitePast(),
                                  absl::Time until = absl::InfiniteFuture()) {
    std::vector<std::string> texts;
    const absl::StatusOr<std::vector<RunCount>> counts = store().ListRunCounts(database, since, until);
    EXPECT_THAT(counts, IsOk());
    for (const RunCount& count : counts.value_or(std::vector<RunCount>())) {
      texts.push_back(absl::StrCat(absl::FormatTime("%Y-%m", count.month, absl::UTCTimeZone()), " ", count.policy, " ",
                                   v1::RunKind_Name(count.kind), " ", v1::RunState_Name(count.state),
                                   count.manual ? " by hand " : " ", count.count));
    }
    return texts;
  }
};
INSTANTIATE_STORE_CONTRACT(HistoryStoreTest);

TEST_P(HistoryStoreTest, OldRunsGoAndAreCounted) {
  AddPast("a", 500, v1::FAILED);
  AddPast("b", 499, v1::SUCCEEDED);
  AddPast("c", 498, v1::SUCCEEDED);
  AddPast("d", 460, v1::MISSED);
  AddPast("young", 100, v1::SUCCEEDED);
  AddPast("other", 500, v1::SKIPPED, "crm");

  EXPECT_EQ(Compact(DaysAgo(400)), 5);

  EXPECT_THAT(Left(), ElementsAre("runs/young"));
  EXPECT_THAT(Counts(),
              ElementsAre("2025-07 policies/nightly BACKUP FAILED 1", "2025-07 policies/nightly BACKUP SUCCEEDED 2",
                          "2025-08 policies/nightly BACKUP MISSED 1"));
  EXPECT_THAT(Counts(kCrm), ElementsAre("2025-07 policies/nightly BACKUP SKIPPED 1"));
  EXPECT_THAT(Counts(kOrders, absl::FromUnixSeconds(1754006400)),  // 2025-08-01
              ElementsAre("2025-08 policies/nightly BACKUP MISSED 1"));
  EXPECT_THAT(Counts(kOrders, absl::InfinitePast(), absl::FromUnixSeconds(1754006400)).size(), 2u);
  EXPECT_THAT(Counts("no name"), IsEmpty());
}

TEST_P(HistoryStoreTest, ASecondCompactionAddsToTheCountsAndAThirdDoesNothing) {
  for (int i = 0; i < 6; ++i) AddPast(absl::StrCat("r", i), 505 - i, v1::SUCCEEDED);
  EXPECT_EQ(Compact(DaysAgo(503)), 2);
  EXPECT_EQ(Compact(DaysAgo(400)), 3);
  EXPECT_EQ(Compact(DaysAgo(400)), 0);
  EXPECT_THAT(Counts(), ElementsAre("2025-07 policies/nightly BACKUP SUCCEEDED 5"));
}

TEST_P(HistoryStoreTest, SmallStepsRemoveTheSameAsOneLargeOne) {
  for (int i = 0; i < 10; ++i) {
    AddPast(absl::StrCat("r", i), 500 + i, i % 2 == 0 ? v1::SUCCEEDED : v1::FAILED, i % 3 == 0 ? "orders" : "crm",
            static_cast<v1::RunKind>(v1::BACKUP + i % 5));
  }
  AddPast("new1", 1, v1::SUCCEEDED);
  AddPast("new2", 1, v1::SUCCEEDED, "crm");
  const size_t before = Left().size();
  const int64_t removed = Compact(DaysAgo(400), 1);
  EXPECT_GT(removed, 0);
  EXPECT_EQ(Left().size() + removed, before);
  EXPECT_EQ(Compact(DaysAgo(400)), 0);
}

TEST_P(HistoryStoreTest, EveryRunIsEitherThereOrCounted) {
  std::map<v1::RunState, int64_t> added;
  for (int i = 0; i < 40; ++i) {
    const auto state = static_cast<v1::RunState>(v1::SUCCEEDED + i * 7 % 6);
    AddPast(absl::StrCat("r", i), 380 + i, state, i % 2 == 0 ? "orders" : "crm");
    ++added[state];
  }
  Compact(DaysAgo(400), 3);
  std::map<v1::RunState, int64_t> found;
  const server::Page<v1::Run> left = *store().ListRuns({}, {1000, ""});
  for (const v1::Run& run : left.items) ++found[run.state()];
  for (const std::string database : {kOrders, kCrm}) {
    const std::vector<RunCount> counts = *store().ListRunCounts(database, absl::InfinitePast(), absl::InfiniteFuture());
    for (const RunCount& count : counts) {
      found[count.state] += count.count;
    }
  }
  EXPECT_EQ(found, added);
}

TEST_P(HistoryStoreTest, RunsThatHaveNotEndedStay) {
  for (const v1::RunState state : {v1::SCHEDULED, v1::PENDING, v1::RUNNING}) {
    AddPast(absl::StrCat("r", state), 500 + state, state);
  }
  EXPECT_EQ(Compact(DaysAgo(400)), 0);
  EXPECT_EQ(Left().size(), 3u);
}

TEST_P(HistoryStoreTest, TheLastRunThatSaysHowItGoesStays) {
  AddPast("before", 502, v1::SUCCEEDED);
  AddPast("failed", 501, v1::FAILED);
  AddPast("skipped", 500, v1::SKIPPED);
  AddPast("drill", 503, v1::FAILED, "orders", v1::DRILL);
  EXPECT_EQ(Compact(DaysAgo(400)), 2);
  EXPECT_THAT(Left(), UnorderedElementsAre("runs/failed", "runs/drill"));
}

TEST_P(HistoryStoreTest, RunsOfABackupThatExistsStayUntilItIsDeleted) {
  v1::Backup backup = TestBackup(1, kOrders);
  const auto set_backup = [&](const std::string& id) {
    ASSERT_THAT(store().ChangeRun("runs/" + id,
                                  [&](const server::RunView& view) -> absl::StatusOr<server::RunChange> {
                                    server::RunChange change{view.run, {backup}, {}};
                                    change.run.set_backup(backup.name());
                                    return change;
                                  }),
                IsOk());
  };
  AddPast("made", 500, v1::SUCCEEDED);
  AddPast("drilled", 499, v1::SUCCEEDED, "orders", v1::DRILL);
  AddPast("later", 1, v1::SUCCEEDED);
  AddPast("drilledlater", 1, v1::SUCCEEDED, "orders", v1::DRILL);
  set_backup("made");
  set_backup("drilled");
  EXPECT_EQ(Compact(DaysAgo(400)), 0);
  backup.set_state(v1::DELETED);
  set_backup("later");
  EXPECT_EQ(Compact(DaysAgo(400)), 2);
  EXPECT_THAT(Left(), UnorderedElementsAre("runs/later", "runs/drilledlater"));
}

TEST_P(HistoryStoreTest, TheLogGoesWithItsRun) {
  AddPast("old", 500, v1::SUCCEEDED);
  AddPast("later", 1, v1::SUCCEEDED);
  v1::RunLogLine line;
  line.set_text("dumped");
  ASSERT_THAT(store().AppendRunLog("runs/old", {line}), IsOk());
  EXPECT_EQ(Compact(DaysAgo(400)), 1);
  EXPECT_THAT(store().ListRunLog("runs/old", 0, 10), HasReason("RUN_NOT_FOUND"));
}

TEST_P(HistoryStoreTest, RunsByHandAreCountedApart) {
  AddPast("old", 500, v1::SUCCEEDED);
  AddPast("later", 1, v1::SUCCEEDED);
  v1::Run manual = ManualRun("manual", kOrders);
  manual.set_policy("policies/nightly");
  *manual.mutable_slot_time() = ToProto(DaysAgo(500));
  AddRun(manual, [](v1::Run& run) { run.set_state(v1::SUCCEEDED); });
  EXPECT_EQ(Compact(DaysAgo(400)), 2);
  EXPECT_THAT(Counts(), ElementsAre("2025-07 policies/nightly BACKUP SUCCEEDED 1",
                                    "2025-07 policies/nightly BACKUP SUCCEEDED by hand 1"));
}

TEST_P(HistoryStoreTest, OldEventsGo) {
  std::vector<v1::Event> events;
  for (int i = 0; i < 5; ++i) {
    events.push_back(TestEvent("runs/r1", absl::StrCat("E", i)));
    *events.back().mutable_time() = ToProto(DaysAgo(i < 3 ? 500 - i : 10));
  }
  ASSERT_THAT(store().AppendEvents(events), IsOk());
  int64_t removed = 0;
  std::string from;
  do {
    const absl::StatusOr<Compaction> step = store().CompactEvents(DaysAgo(400), from, 2);
    ASSERT_THAT(step, IsOk());
    removed += step->removed_count;
    from = step->next;
  } while (!from.empty());
  EXPECT_EQ(removed, 3);
  std::vector<std::string> left;
  const server::Page<v1::Event> page = *store().ListEvents("", {});
  for (const v1::Event& event : page.items) left.push_back(event.type());
  EXPECT_THAT(left, ElementsAre("E4", "E3"));
}

TEST_P(HistoryStoreTest, APlaceThatNobodyGaveIsRefused) {
  EXPECT_THAT(store().CompactRuns(Now(), "elsewhere", 10), HasReason("PAGE_TOKEN_INVALID"));
}

}  // namespace
}  // namespace backup::testing
