// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/store/page_token.h"
#include "tests/store_contract.h"

namespace backup::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class RunListStoreTest : public StoreContractTest {
 protected:
  void SetUp() override {
    StoreContractTest::SetUp();
    if (HasFatalFailure()) return;
    AddAgent("db1", {"orders", "crm"});
    AddAgent("db2", {"hr"});
  }
  std::vector<std::string> Listed(const v1::RunFilter& filter, int size = 100) {
    return NamesOf(
        AllPages<v1::Run>(size, [&](const server::PageRequest& page) { return store().ListRuns(filter, page); }));
  }
  std::vector<std::string> ToAdvance(absl::Duration in, int limit = 100) {
    const absl::StatusOr<std::vector<std::string>> names = store().ListRunsToAdvance(Now() + in, limit);
    EXPECT_THAT(names, IsOk());
    return names.value_or(std::vector<std::string>());
  }
  absl::Duration NextAdvance(absl::Duration in) {
    const absl::StatusOr<absl::Time> next = store().NextAdvanceTime(Now() + in);
    EXPECT_THAT(next, IsOk());
    return next.value_or(absl::InfinitePast()) - Now();
  }
};
INSTANTIATE_STORE_CONTRACT(RunListStoreTest);

TEST_P(RunListStoreTest, FiltersByEveryField) {
  AddPolicy("nightly");
  Plan("nightly",
       {PlannedRun("p1", "nightly", "orders", absl::Hours(1)), PlannedRun("p2", "nightly", "crm", absl::Hours(1))});
  AddRun(ManualRun("m1", kOrders), [](v1::Run& run) { run.set_state(v1::FAILED); });
  AddRun(ManualRun("m2", "agents/db2/databases/hr"));

  EXPECT_THAT(Listed({}), ElementsAre("runs/p2", "runs/p1", "runs/m2", "runs/m1")) << "what is to come first";
  v1::RunFilter filter;
  filter.set_policy("policies/nightly");
  EXPECT_THAT(Listed(filter), ElementsAre("runs/p2", "runs/p1"));
  filter.set_database(kOrders);
  EXPECT_THAT(Listed(filter), ElementsAre("runs/p1"));
  filter.clear_policy();
  EXPECT_THAT(Listed(filter), ElementsAre("runs/p1", "runs/m1"));
  filter.add_states(v1::FAILED);
  filter.add_states(v1::PENDING);
  EXPECT_THAT(Listed(filter), ElementsAre("runs/m1"));
  filter.Clear();
  filter.set_agent("agents/db2");
  EXPECT_THAT(Listed(filter), ElementsAre("runs/m2"));
  filter.set_agent("agents/db");
  EXPECT_THAT(Listed(filter), IsEmpty()) << "no prefixes";
  filter.Clear();
  filter.add_states(v1::SCHEDULED);
  EXPECT_THAT(Listed(filter), ElementsAre("runs/p2", "runs/p1"));
  filter.Clear();
  filter.add_kinds(v1::VERIFY);
  EXPECT_THAT(Listed(filter), IsEmpty());
}

TEST_P(RunListStoreTest, TheLatestSlotComesFirstWhateverTheOrderInWhichRowsWereMade) {
  AddPolicy("nightly");
  Plan("nightly", {PlannedRun("later", "nightly", "orders", absl::Hours(3)),
                   PlannedRun("sooner", "nightly", "orders", absl::Hours(2)),
                   PlannedRun("beside", "nightly", "crm", absl::Hours(2))});
  AddRun(ManualRun("now1", kOrders));
  AddRun(ManualRun("now2", kOrders));
  v1::Run past = ManualRun("past", kOrders);
  *past.mutable_slot_time() = ToProto(Now() - absl::Hours(1));
  AddRun(past);
  for (const int size : {1, 2, 100}) {
    EXPECT_THAT(Listed({}, size),
                ElementsAre("runs/later", "runs/beside", "runs/sooner", "runs/now2", "runs/now1", "runs/past"))
        << size;
  }
}

TEST_P(RunListStoreTest, EveryFilterAndPageSizeGivesTheRowsThatMatchInOrder) {
  AddPolicy("nightly");
  AddPolicy("weekly");
  std::vector<v1::Run> all;
  for (int i = 0; i < 60; ++i) {
    const std::string policy = i % 3 == 0 ? "weekly" : "nightly";
    v1::Run run = PlannedRun(absl::StrCat("r", i), policy, i % 2 == 0 ? "orders" : "crm", absl::Minutes(i * 7 % 20));
    if (i % 5 == 0) run.set_database("agents/db2/databases/hr");
    run.set_kind(i % 4 == 3 ? v1::DRILL : v1::BACKUP);
    *run.mutable_slot_time() = ToProto(Now() + absl::Minutes(i * 7 % 20) + absl::Microseconds(i / 20));
    Plan(policy, {run});
    const auto state = static_cast<v1::RunState>(v1::SCHEDULED + i * 5 % 9);
    all.push_back(Change(run.name(), [&](v1::Run& r) { r.set_state(state); }));
  }
  std::sort(all.begin(), all.end(), [](const v1::Run& a, const v1::Run& b) {
    return std::make_pair(ToAbsl(a.slot_time()), a.sequence()) > std::make_pair(ToAbsl(b.slot_time()), b.sequence());
  });
  for (const std::string policy : {"", "policies/nightly", "policies/weekly", "policies/none"}) {
    for (const std::string agent : {"", "agents/db1", "agents/db2"}) {
      for (const std::string database : {"", kOrders, "agents/db2/databases/hr"}) {
        for (const std::vector<v1::RunState>& states :
             {std::vector<v1::RunState>{}, {v1::LOST}, {v1::SUCCEEDED, v1::FAILED, v1::SCHEDULED}}) {
          for (const std::vector<v1::RunKind>& kinds : {std::vector<v1::RunKind>{}, {v1::DRILL, v1::VERIFY}}) {
            v1::RunFilter filter;
            filter.set_policy(policy);
            filter.set_agent(agent);
            filter.set_database(database);
            for (const v1::RunState state : states) filter.add_states(state);
            for (const v1::RunKind kind : kinds) filter.add_kinds(kind);
            std::vector<std::string> expected;
            for (const v1::Run& run : all) {
              const auto matches = [](const auto& values, auto value) {
                return values.empty() || std::find(values.begin(), values.end(), value) != values.end();
              };
              if (!policy.empty() && run.policy() != policy) continue;
              if (!agent.empty() && run.database().rfind(agent + "/", 0) != 0) continue;
              if (!database.empty() && run.database() != database) continue;
              if (matches(states, run.state()) && matches(kinds, run.kind())) expected.push_back(run.name());
            }
            EXPECT_EQ(Listed(filter, 3), expected) << filter.ShortDebugString();
            EXPECT_EQ(Listed(filter, 1000), expected) << filter.ShortDebugString();
          }
        }
      }
    }
  }
}

TEST_P(RunListStoreTest, PagesHoldStillWhileRowsAreAdded) {
  for (int i = 0; i < 7; ++i) AddRun(ManualRun(absl::StrCat("r", i), kOrders));
  const absl::StatusOr<server::Page<v1::Run>> first = store().ListRuns({}, {3, ""});
  ASSERT_THAT(first, IsOk());
  EXPECT_THAT(NamesOf(first->items), ElementsAre("runs/r6", "runs/r5", "runs/r4"));

  AddRun(ManualRun("new1", kOrders));
  AddRun(ManualRun("new2", kOrders));

  const absl::StatusOr<server::Page<v1::Run>> second = store().ListRuns({}, {3, first->next_token});
  ASSERT_THAT(second, IsOk());
  EXPECT_THAT(NamesOf(second->items), ElementsAre("runs/r3", "runs/r2", "runs/r1"));
  const absl::StatusOr<server::Page<v1::Run>> third = store().ListRuns({}, {3, second->next_token});
  ASSERT_THAT(third, IsOk());
  EXPECT_THAT(NamesOf(third->items), ElementsAre("runs/r0"));
  EXPECT_EQ(third->next_token, "");
}

TEST_P(RunListStoreTest, AFullLastPageHasNoNext) {
  for (int i = 0; i < 4; ++i) AddRun(ManualRun(absl::StrCat("r", i), kOrders));
  EXPECT_EQ(store().ListRuns({}, {4, ""})->next_token, "");
  EXPECT_THAT(Listed({}, 2), ElementsAre("runs/r3", "runs/r2", "runs/r1", "runs/r0"));
}

TEST_P(RunListStoreTest, RefusesTokensOfOtherListsAndFilters) {
  for (int i = 0; i < 4; ++i) AddRun(ManualRun(absl::StrCat("r", i), kOrders));
  const std::string token = store().ListRuns({}, {2, ""})->next_token;
  v1::RunFilter filter;
  filter.set_database(kOrders);
  EXPECT_THAT(store().ListRuns(filter, {2, token}), HasReason("PAGE_TOKEN_INVALID"));
  EXPECT_THAT(store().ListBackups({}, {2, token}), HasReason("PAGE_TOKEN_INVALID"));
  EXPECT_THAT(store().ListEvents("", {2, token}), HasReason("PAGE_TOKEN_INVALID"));
  // As it was when runs were listed by sequence.
  const std::string old = server::MakeSequencePageToken(server::PageScope("runs", v1::RunFilter()), 3);
  EXPECT_THAT(store().ListRuns({}, {2, old}), HasReason("PAGE_TOKEN_INVALID"));
  for (const std::string& bad : {std::string("x"), std::string("!!"), token + "AAAA", token.substr(1),
                                 std::string(5000, 'A'), std::string("\xff\0", 2)}) {
    EXPECT_THAT(store().ListRuns({}, {2, bad}), HasReason("PAGE_TOKEN_INVALID")) << bad;
    EXPECT_THAT(store().ListPolicies({2, bad}), HasReason("PAGE_TOKEN_INVALID")) << bad;
    EXPECT_THAT(store().ListAgents({2, bad}), HasReason("PAGE_TOKEN_INVALID")) << bad;
    EXPECT_THAT(store().ListDatabases("", {2, bad}), HasReason("PAGE_TOKEN_INVALID")) << bad;
  }
}

TEST_P(RunListStoreTest, RefusesPageSizesOutOfRange) {
  for (const int size : {0, -1, 1001, INT32_MAX}) {
    EXPECT_THAT(store().ListRuns({}, {size, ""}), HasReason("INVALID_FIELD")) << size;
    EXPECT_THAT(store().ListBackups({}, {size, ""}), HasReason("INVALID_FIELD")) << size;
    EXPECT_THAT(store().ListPolicies({size, ""}), HasReason("INVALID_FIELD")) << size;
    EXPECT_THAT(store().ListAgents({size, ""}), HasReason("INVALID_FIELD")) << size;
    EXPECT_THAT(store().ListDatabases("", {size, ""}), HasReason("INVALID_FIELD")) << size;
    EXPECT_THAT(store().ListEvents("", {size, ""}), HasReason("INVALID_FIELD")) << size;
  }
}

TEST_P(RunListStoreTest, NamesWhatTimeMayHaveChangedOldestSlotFirst) {
  AddPolicy("nightly");
  Plan("nightly",
       {PlannedRun("later", "nightly", "orders", absl::Hours(2)), PlannedRun("due", "nightly", "crm", absl::Hours(1))});
  AddRun(ManualRun("pending", kOrders),
         [](v1::Run& run) { *run.mutable_start_deadline_time() = ToProto(Now() + absl::Minutes(30)); });
  AddRun(ManualRun("running", kOrders), [](v1::Run& run) {
    run.set_state(v1::RUNNING);
    *run.mutable_lease_end_time() = ToProto(Now() + absl::Minutes(10));
  });
  AddRun(ManualRun("ended", kOrders), [](v1::Run& run) {
    run.set_state(v1::LOST);
    *run.mutable_lease_end_time() = ToProto(Now() + absl::Minutes(1));
  });

  EXPECT_THAT(ToAdvance(absl::Minutes(9)), IsEmpty());
  EXPECT_EQ(NextAdvance(absl::Minutes(9)), absl::Minutes(10));
  EXPECT_THAT(ToAdvance(absl::Minutes(10)), ElementsAre("runs/running")) << "at the very moment";
  EXPECT_EQ(NextAdvance(absl::Minutes(10)), absl::Minutes(30)) << "what is named already is not news";
  EXPECT_THAT(ToAdvance(absl::Minutes(61)), ElementsAre("runs/pending", "runs/running", "runs/due"));
  EXPECT_THAT(ToAdvance(absl::Minutes(60)), ElementsAre("runs/pending", "runs/running")) << "not before its not_before";
  EXPECT_THAT(ToAdvance(absl::Hours(9), 2), ElementsAre("runs/pending", "runs/running"));
  EXPECT_EQ(NextAdvance(absl::Hours(9)), absl::InfiniteDuration());
}

TEST_P(RunListStoreTest, ARunningRunWithoutALeaseIsNamedAndAPendingOneWithoutADeadlineIsNot) {
  AddRun(ManualRun("pending", kOrders));
  AddRun(ManualRun("running", kOrders), [](v1::Run& run) { run.set_state(v1::RUNNING); });
  EXPECT_THAT(ToAdvance(absl::Hours(9999)), ElementsAre("runs/running"));
  EXPECT_EQ(NextAdvance(absl::ZeroDuration()), absl::InfiniteDuration());
}

TEST_P(RunListStoreTest, NamesPendingRunsOfAPausedPolicyOnceButNotThoseAskedForByHand) {
  AddPolicy("nightly", /*paused=*/true);
  AddPolicy("active");
  Plan("nightly",
       {PlannedRun("r1", "nightly", "orders", absl::Hours(1)), PlannedRun("r2", "nightly", "crm", absl::Hours(2))});
  Plan("active", {PlannedRun("r3", "active", "orders", absl::Hours(1))});
  v1::Run manual = ManualRun("m1", kOrders);
  manual.set_policy("policies/nightly");
  AddRun(manual);
  Change("runs/r1", [](v1::Run& run) { run.set_state(v1::PENDING); });
  Change("runs/r3", [](v1::Run& run) { run.set_state(v1::PENDING); });

  EXPECT_THAT(ToAdvance(absl::ZeroDuration()), ElementsAre("runs/r1"));
  EXPECT_THAT(ToAdvance(absl::Hours(8)), ElementsAre("runs/r1", "runs/r3", "runs/r2"));
}

TEST_P(RunListStoreTest, NamesWhatALaterPendingSlotHasOvertaken) {
  AddPolicy("nightly");
  v1::Run drill = PlannedRun("drill", "nightly", "orders", absl::Hours(1));
  drill.set_kind(v1::DRILL);
  Plan("nightly",
       {PlannedRun("r1", "nightly", "orders", absl::Hours(1)), PlannedRun("r2", "nightly", "orders", absl::Hours(2)),
        PlannedRun("r3", "nightly", "orders", absl::Hours(3)), PlannedRun("r4", "nightly", "crm", absl::Hours(1)),
        PlannedRun("r5", "nightly", "orders", absl::Hours(9)), drill});
  const auto pend = [&](const char* name) { Change(name, [](v1::Run& run) { run.set_state(v1::PENDING); }); };
  pend("runs/r1");
  pend("runs/r4");
  pend("runs/drill");
  EXPECT_THAT(ToAdvance(absl::ZeroDuration()), IsEmpty()) << "the later ones are not due yet";
  pend("runs/r2");
  pend("runs/r3");
  EXPECT_THAT(ToAdvance(absl::ZeroDuration()), ElementsAre("runs/r1", "runs/r2"));
  Change("runs/r2", [](v1::Run& run) { run.set_delivered(true); });
  EXPECT_THAT(ToAdvance(absl::ZeroDuration()), ElementsAre("runs/r1")) << "what an agent holds stays";
  EXPECT_THAT(ToAdvance(absl::Hours(7)), ElementsAre("runs/r1", "runs/r4", "runs/drill")) << "each once";
}

TEST_P(RunListStoreTest, CountsPlacesWhenSomebodyWaitsForOne) {
  AddPolicy("nightly");
  AddAgent("db1", {"orders", "crm", "a", "b", "c"}, Now());
  Plan("nightly", {PlannedRun("r1", "nightly", "orders", absl::Hours(3)),
                   PlannedRun("r2", "nightly", "crm", absl::Hours(2)), PlannedRun("r3", "nightly", "a", absl::Hours(1)),
                   PlannedRun("r4", "nightly", "b", absl::Hours(1)), PlannedRun("r5", "nightly", "c", absl::Hours(1))});
  AddRun(ManualRun("m1", kOrders), [](v1::Run& run) { run.set_state(v1::RUNNING); });
  Change("runs/r3", [](v1::Run& run) { run.set_state(v1::RUNNING); });
  Change("runs/r4", [](v1::Run& run) { run.set_state(v1::PENDING); });
  EXPECT_EQ(store().ReadPlaces(Now(), 10)->taken, 0) << "nobody waits";

  for (const char* name : {"runs/r1", "runs/r2"}) {
    Change(name, [](v1::Run& run) {
      run.set_state(v1::PENDING);
      run.set_held_back(true);
    });
  }
  Change("runs/r5", [](v1::Run& run) { run.set_held_back(true); });

  const absl::StatusOr<server::Places> places = store().ReadPlaces(Now(), 10);
  ASSERT_THAT(places, IsOk());
  EXPECT_THAT(NamesOf(places->waiting), ElementsAre("runs/r2", "runs/r1"));
  EXPECT_EQ(places->taken, 3);
  EXPECT_EQ(places->by_policy.at("policies/nightly"), 2);
  EXPECT_EQ(places->by_policy.at(""), 1);
}

TEST_P(RunListStoreTest, NeitherThoseOfAnotherPolicyNorOfAgentsThatAreAwayStandBeforeAWaitingRun) {
  AddAgent("db1", {"orders", "crm"}, Now());
  AddAgent("db2", {"far"}, Now() - absl::Hours(1));
  v1::Run away = PlannedRun("r3", "late", "far", absl::Hours(2));
  away.set_database("agents/db2/databases/far");
  AddPolicy("early");
  AddPolicy("late");
  Plan("early",
       {PlannedRun("r1", "early", "orders", absl::Hours(1)), PlannedRun("r2", "early", "crm", absl::Hours(1))});
  Plan("late", {away, PlannedRun("r4", "late", "orders", absl::Hours(3))});
  for (const char* name : {"runs/r1", "runs/r2", "runs/r3", "runs/r4"}) {
    Change(name, [](v1::Run& run) {
      run.set_state(v1::PENDING);
      run.set_held_back(true);
    });
  }

  EXPECT_THAT(NamesOf(store().ReadPlaces(Now() - absl::Minutes(1), 1)->waiting), ElementsAre("runs/r1", "runs/r4"));
}

TEST_P(RunListStoreTest, DeletionsTakeNoPlace) {
  AddPolicy("nightly");
  AddAgent("db1", {"orders"}, Now());
  AddBackup(TestBackup(1, kOrders));
  v1::Run deletion = ManualRun("d1", kOrders);
  deletion.set_kind(v1::DELETE);
  deletion.set_backup(TestBackup(1, kOrders).name());
  AddRun(deletion);
  Plan("nightly", {PlannedRun("r1", "nightly", "orders", absl::Hours(1))});
  Change("runs/r1", [](v1::Run& run) {
    run.set_state(v1::PENDING);
    run.set_held_back(true);
  });
  EXPECT_EQ(store().ReadPlaces(Now(), 10)->taken, 0);
}

TEST_P(RunListStoreTest, OpenRunsOfAnAgentComeByNotBefore) {
  AddPolicy("nightly");
  Plan("nightly",
       {PlannedRun("r2", "nightly", "orders", absl::Hours(2)), PlannedRun("r1", "nightly", "orders", absl::Hours(1)),
        PlannedRun("r9", "nightly", "crm", absl::Hours(30))});
  AddRun(ManualRun("m1", kOrders));
  AddRun(ManualRun("m2", kOrders), [](v1::Run& run) { run.set_state(v1::RUNNING); });
  AddRun(ManualRun("m3", kOrders), [](v1::Run& run) { run.set_state(v1::SUCCEEDED); });
  AddRun(ManualRun("m4", "agents/db2/databases/hr"));

  const absl::StatusOr<std::vector<v1::Run>> open = store().ListOpenRuns("agents/db1", Now() + absl::Hours(24));

  ASSERT_THAT(open, IsOk());
  EXPECT_THAT(NamesOf(*open), ElementsAre("runs/m1", "runs/m2", "runs/r1", "runs/r2"));
  EXPECT_THAT(*store().ListOpenRuns("agents/none", Now() + absl::Hours(24)), IsEmpty());
  EXPECT_THAT(*store().ListOpenRuns("db1", Now() + absl::Hours(24)), IsEmpty());
  EXPECT_EQ(store().ListOpenRuns("agents/db1", absl::InfiniteFuture())->size(), 5u);
}

TEST_P(RunListStoreTest, NamesRunsThatAnAgentWasGivenAndSaidNothingOf) {
  const auto add = [&](const std::string& id, v1::RunState state, absl::Duration deadline, bool delivered,
                       const std::string& attempt, const std::string& database = kOrders) {
    AddRun(ManualRun(id, database), [&](v1::Run& run) {
      run.set_state(state);
      run.set_delivered(delivered);
      run.set_attempt_id(attempt);
      *run.mutable_start_deadline_time() = ToProto(Now() + deadline);
    });
  };
  const absl::Duration past = -absl::Minutes(1);
  add("lost", v1::LOST, past, true, "");
  add("waits", v1::PENDING, absl::ZeroDuration(), true, "");
  add("intime", v1::PENDING, absl::Minutes(1), true, "");
  add("nevergiven", v1::PENDING, past, false, "");
  add("started", v1::LOST, past, true, "attempt-0001");
  add("works", v1::RUNNING, past, true, "attempt-0002");
  add("missed", v1::MISSED, past, true, "");
  add("ofanother", v1::LOST, past, true, "", "agents/db2/databases/hr");
  AddRun(ManualRun("whenever", kOrders), [](v1::Run& run) { run.set_delivered(true); });

  const auto names = store().ListUnstartedRuns("agents/db1", Now());

  ASSERT_THAT(names, IsOk());
  EXPECT_THAT(*names, ElementsAre("runs/lost", "runs/waits"));
  EXPECT_THAT(*store().ListUnstartedRuns("agents/db2", Now()), ElementsAre("runs/ofanother"));
  EXPECT_THAT(*store().ListUnstartedRuns("db1", Now()), IsEmpty());
}

TEST_P(RunListStoreTest, LogIsAppendedWhereItEndsAndReadFromAnyOffset) {
  AddRun(ManualRun("r1", kOrders));
  const auto line = [](int64_t offset, const std::string& text) {
    v1::RunLogLine result;
    result.set_offset(offset);
    *result.mutable_time() = ToProto(Now());
    result.set_text(text);
    return result;
  };
  EXPECT_EQ(*store().AppendRunLog("runs/r1", {}), 0);
  EXPECT_EQ(*store().AppendRunLog("runs/r1", {line(0, "a"), line(1, "b \\ \" ' {},")}), 2);
  EXPECT_EQ(*store().AppendRunLog("runs/r1", {line(0, "again"), line(1, "again"), line(2, "c")}), 3);
  EXPECT_EQ(*store().AppendRunLog("runs/r1", {line(1, "again")}), 3);
  EXPECT_EQ(*store().AppendRunLog("runs/r1", {line(10, "after a gap")}), 11);
  EXPECT_EQ(*store().AppendRunLog("runs/r1", {line(5, "too late"), line(-1, "never")}), 11);

  const absl::StatusOr<std::vector<v1::RunLogLine>> all = store().ListRunLog("runs/r1", 0, 100);
  ASSERT_THAT(all, IsOk());
  ASSERT_EQ(all->size(), 4u);
  EXPECT_THAT((*all)[1], EqualsProto(line(1, "b \\ \" ' {},")));
  EXPECT_THAT((*all)[3], EqualsProto(line(10, "after a gap")));
  const absl::StatusOr<std::vector<v1::RunLogLine>> some = store().ListRunLog("runs/r1", 1, 2);
  EXPECT_THAT(some->size(), 2u);
  EXPECT_EQ((*some)[0].text(), "b \\ \" ' {},");
  EXPECT_THAT(*store().ListRunLog("runs/r1", 11, 100), IsEmpty());
}

}  // namespace
}  // namespace backup::testing
