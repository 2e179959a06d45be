// SPDX-License-Identifier: Apache-2.0
#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/resource_name.h"
#include "tests/store_contract.h"

namespace backup::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

class PolicyStoreTest : public StoreContractTest {};
INSTANTIATE_STORE_CONTRACT(PolicyStoreTest);

TEST_P(PolicyStoreTest, GivesBackAPolicyAsItWasPut) {
  const v1::Policy stored = AddPolicy("nightly");

  v1::Policy expected = TestPolicy("nightly");
  expected.set_etag(stored.etag());
  *expected.mutable_create_time() = ToProto(Now());
  *expected.mutable_update_time() = ToProto(Now());
  EXPECT_THAT(stored, EqualsProto(expected));
  EXPECT_THAT(store().GetPolicy("policies/nightly"), IsOkAndHolds(EqualsProto(expected)));
  EXPECT_THAT(stored.etag(), Not(IsEmpty()));
}

TEST_P(PolicyStoreTest, DoesNotFindWhatIsNotThere) {
  for (const std::string name : {"policies/none", "nightly", "", "policies/", "policies/A B", "policies/\xff"}) {
    EXPECT_THAT(store().GetPolicy(name), HasReason("POLICY_NOT_FOUND")) << name;
    EXPECT_THAT(store().GetPolicy(name), StatusIs(absl::StatusCode::kNotFound)) << name;
  }
}

TEST_P(PolicyStoreTest, ReplacementChangesEtagAndUpdateTimeAndKeepsCreateTime) {
  const v1::Policy first = AddPolicy("nightly");

  const absl::StatusOr<v1::Policy> second = store().ChangePolicy(
      first.name(), Now() + absl::Hours(1), [](const server::PolicyView& view) -> absl::StatusOr<server::PolicyChange> {
        server::PolicyChange change;
        change.put_policy = view.policy;
        change.put_policy->mutable_spec()->mutable_schedule()->set_cron("5 5 * * *");
        return change;
      });

  ASSERT_THAT(second, IsOk());
  EXPECT_NE(second->etag(), first.etag());
  EXPECT_THAT(second->create_time(), EqualsProto(first.create_time()));
  EXPECT_THAT(second->update_time(), EqualsProto(ToProto(Now() + absl::Hours(1))));
  EXPECT_EQ(second->spec().schedule().cron(), "5 5 * * *");
}

TEST_P(PolicyStoreTest, ChangeWithoutPutKeepsTheEtag) {
  const v1::Policy first = AddPolicy("nightly");
  Plan("nightly", {PlannedRun("r1", "nightly", "orders", absl::Hours(1))});
  EXPECT_EQ(store().GetPolicy(first.name())->etag(), first.etag());
}

TEST_P(PolicyStoreTest, ADecisionsErrorIsReturnedAsItIsAndNothingIsDone) {
  AddPolicy("nightly");
  const absl::StatusOr<v1::Policy> result = store().ChangePolicy(
      "policies/nightly", Now(), [](const server::PolicyView&) -> absl::StatusOr<server::PolicyChange> {
        return EtagMismatch("policies/nightly");
      });
  EXPECT_THAT(result, HasReason("ETAG_MISMATCH"));
  EXPECT_THAT(store().GetPolicy("policies/nightly"), IsOk());
}

TEST_P(PolicyStoreTest, DecisionSeesPolicyDatabasesAndScheduledRunsOfThisPolicyOnly) {
  AddAgent("db1", {"orders", "crm"});
  AddAgent("db2", {"hr"});
  AddPolicy("nightly");
  AddPolicy("other");
  Plan("nightly",
       {PlannedRun("r1", "nightly", "orders", absl::Hours(1)), PlannedRun("r2", "nightly", "crm", absl::Hours(1))});
  Plan("other", {PlannedRun("r3", "other", "orders", absl::Hours(1))});
  Change("runs/r2", [](v1::Run& run) { run.set_state(v1::PENDING); });

  server::PolicyView seen;
  ASSERT_THAT(store().ChangePolicy("policies/nightly", Now(),
                                   [&](const server::PolicyView& view) -> absl::StatusOr<server::PolicyChange> {
                                     seen = view;
                                     return server::PolicyChange();
                                   }),
              IsOk());

  ASSERT_TRUE(seen.policy.has_value());
  EXPECT_EQ(seen.policy->spec().schedule().cron(), "0 22 * * *");
  EXPECT_THAT(NamesOf(seen.databases),
              ElementsAre("agents/db1/databases/crm", "agents/db1/databases/orders", "agents/db2/databases/hr"));
  EXPECT_EQ(seen.databases[0].display_name(), "shown");
  EXPECT_THAT(NamesOf(seen.scheduled_runs), ElementsAre("runs/r1"));
  EXPECT_EQ(seen.scheduled_runs[0].spec().dump().jobs(), 2);
}

TEST_P(PolicyStoreTest, DecisionAboutANewPolicySeesNone) {
  bool seen = true;
  const absl::StatusOr<v1::Policy> result = store().ChangePolicy(
      "policies/new", Now(), [&](const server::PolicyView& view) -> absl::StatusOr<server::PolicyChange> {
        seen = view.policy.has_value();
        return server::PolicyChange();
      });
  EXPECT_FALSE(seen);
  EXPECT_THAT(result, IsOkAndHolds(EqualsProto(v1::Policy())));
}

TEST_P(PolicyStoreTest, DeletesThePolicyWithItsRunsToComeAndLeavesThePast) {
  AddPolicy("nightly");
  AddPolicy("other");
  Plan("nightly",
       {PlannedRun("r1", "nightly", "orders", -absl::Hours(1)), PlannedRun("r2", "nightly", "orders", absl::Hours(1))});
  Plan("other", {PlannedRun("r3", "other", "orders", absl::Hours(1))});
  Change("runs/r1", [](v1::Run& run) { run.set_state(v1::MISSED); });

  const absl::StatusOr<v1::Policy> result = store().ChangePolicy(
      "policies/nightly", Now(), [](const server::PolicyView&) -> absl::StatusOr<server::PolicyChange> {
        server::PolicyChange change;
        change.delete_policy = true;
        change.events = {TestEvent("policies/nightly", "POLICY_DELETED")};
        return change;
      });

  EXPECT_THAT(result, IsOkAndHolds(EqualsProto(v1::Policy())));
  EXPECT_THAT(store().GetPolicy("policies/nightly"), HasReason("POLICY_NOT_FOUND"));
  EXPECT_THAT(store().GetRun("runs/r1"), IsOk());
  EXPECT_THAT(store().GetRun("runs/r2"), HasReason("RUN_NOT_FOUND")) << "though the decision did not name it";
  EXPECT_THAT(store().GetRun("runs/r3"), IsOk());
  EXPECT_EQ(store().ListEvents("policies/nightly", {})->items.size(), 1u);
}

TEST_P(PolicyStoreTest, FillsInNextSlotAndCountOfDatabasesFromThePlan) {
  AddPolicy("nightly");
  v1::Run drill = PlannedRun("r4", "nightly", "orders", absl::Minutes(30));
  drill.set_kind(v1::DRILL);
  Plan("nightly",
       {PlannedRun("r1", "nightly", "orders", absl::Hours(3)), PlannedRun("r2", "nightly", "orders", absl::Hours(1)),
        PlannedRun("r3", "nightly", "crm", absl::Hours(2)), drill});

  const absl::StatusOr<v1::Policy> policy = store().GetPolicy("policies/nightly");

  ASSERT_THAT(policy, IsOk());
  EXPECT_EQ(policy->database_count(), 2);
  EXPECT_THAT(policy->next_slot_time(), EqualsProto(ToProto(Now() + absl::Hours(1))));
}

TEST_P(PolicyStoreTest, APausedPolicyHasNoNextSlot) {
  AddPolicy("nightly", /*paused=*/true);
  Plan("nightly", {PlannedRun("r1", "nightly", "orders", absl::Hours(3))});
  EXPECT_FALSE(store().GetPolicy("policies/nightly")->has_next_slot_time());
  EXPECT_EQ(store().GetPolicy("policies/nightly")->database_count(), 1);
}

TEST_P(PolicyStoreTest, ASlotThatIsThereIsPassedOver) {
  AddPolicy("nightly");
  Plan("nightly", {PlannedRun("r1", "nightly", "orders", absl::Hours(1))});
  Plan("nightly",
       {PlannedRun("r2", "nightly", "orders", absl::Hours(1)), PlannedRun("r3", "nightly", "crm", absl::Hours(1))});

  EXPECT_THAT(store().GetRun("runs/r1"), IsOk());
  EXPECT_THAT(store().GetRun("runs/r2"), HasReason("RUN_NOT_FOUND"));
  EXPECT_THAT(store().GetRun("runs/r3"), IsOk());
}

TEST_P(PolicyStoreTest, WithdrawsAndReplansOnlyWhatIsStillScheduled) {
  AddPolicy("nightly");
  Plan("nightly", {PlannedRun("r1", "nightly", "a", absl::Hours(1)), PlannedRun("r2", "nightly", "b", absl::Hours(1)),
                   PlannedRun("r3", "nightly", "c", absl::Hours(1)), PlannedRun("r4", "nightly", "d", absl::Hours(1))});
  Change("runs/r2", [](v1::Run& run) { run.set_state(v1::PENDING); });
  Change("runs/r4", [](v1::Run& run) { run.set_state(v1::PENDING); });
  const v1::Run before = *store().GetRun("runs/r4");

  ASSERT_THAT(store().ChangePolicy("policies/nightly", Now(),
                                   [](const server::PolicyView&) -> absl::StatusOr<server::PolicyChange> {
                                     server::PolicyChange change;
                                     change.withdraw_runs = {"runs/r1", "runs/r2", "runs/none"};
                                     for (const char* id : {"r3", "r4"}) {
                                       v1::Run run = PlannedRun(id, "nightly", "x", absl::Hours(2));
                                       run.set_epoch(2);
                                       run.mutable_spec()->mutable_dump()->set_jobs(9);
                                       change.update_runs.push_back(run);
                                     }
                                     return change;
                                   }),
              IsOk());

  EXPECT_THAT(store().GetRun("runs/r1"), HasReason("RUN_NOT_FOUND"));
  EXPECT_THAT(store().GetRun("runs/r2"), IsOk());
  EXPECT_THAT(store().GetRun("runs/r4"), IsOkAndHolds(EqualsProto(before)));
  const v1::Run replanned = *store().GetRun("runs/r3");
  EXPECT_EQ(replanned.epoch(), 2);
  EXPECT_EQ(replanned.spec().dump().jobs(), 9);
  EXPECT_THAT(replanned.not_before_time(), EqualsProto(ToProto(Now() + absl::Hours(2) + absl::Minutes(1))));
  EXPECT_EQ(replanned.database(), "agents/db1/databases/c") << "what a run is about never changes";
  EXPECT_THAT(replanned.slot_time(), EqualsProto(ToProto(Now() + absl::Hours(1))));
}

TEST_P(PolicyStoreTest, AWithdrawnSlotMayBePlannedAgain) {
  AddPolicy("nightly");
  Plan("nightly", {PlannedRun("r1", "nightly", "a", absl::Hours(1))});
  ASSERT_THAT(store().ChangePolicy("policies/nightly", Now(),
                                   [](const server::PolicyView&) -> absl::StatusOr<server::PolicyChange> {
                                     server::PolicyChange change;
                                     change.withdraw_runs = {"runs/r1"};
                                     change.create_runs = {PlannedRun("r2", "nightly", "a", absl::Hours(1))};
                                     return change;
                                   }),
              IsOk());
  EXPECT_THAT(store().GetRun("runs/r2"), IsOk());
}

TEST_P(PolicyStoreTest, AWrongValueAnywhereStopsTheWholeChange) {
  AddPolicy("nightly");
  const absl::StatusOr<v1::Policy> result = store().ChangePolicy(
      "policies/nightly", Now(), [](const server::PolicyView&) -> absl::StatusOr<server::PolicyChange> {
        server::PolicyChange change;
        change.delete_policy = true;
        change.create_runs = {PlannedRun("r1", "nightly", "a", absl::Hours(1)),
                              PlannedRun("r2", "nightly", "b", absl::Hours(1))};
        change.create_runs[1].set_kind(v1::RUN_KIND_UNSPECIFIED);
        return change;
      });
  EXPECT_THAT(result, HasReason("VALUE_INVALID"));
  EXPECT_THAT(store().GetPolicy("policies/nightly"), IsOk());
  EXPECT_THAT(store().GetRun("runs/r1"), HasReason("RUN_NOT_FOUND"));
}

TEST_P(PolicyStoreTest, APolicyCannotBeStoredUnderAnotherName) {
  for (const std::string name : {"policies/other", "nightly", "policies/No Good"}) {
    EXPECT_THAT(store().ChangePolicy(name, Now(),
                                     [](const server::PolicyView&) -> absl::StatusOr<server::PolicyChange> {
                                       server::PolicyChange change;
                                       change.put_policy = TestPolicy("nightly");
                                       return change;
                                     }),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << name;
  }
  EXPECT_THAT(store().GetPolicy("policies/nightly"), HasReason("POLICY_NOT_FOUND"));
}

// What a decision sees at `now`, and makes of it.
class PlanStoreTest : public PolicyStoreTest {
 protected:
  server::PolicyView See(
      absl::Time now,
      const std::function<void(const server::PolicyView&, server::PolicyChange&)>& decide = [](const auto&, auto&) {}) {
    server::PolicyView seen;
    EXPECT_THAT(store().ChangePolicy("policies/nightly", now,
                                     [&](const server::PolicyView& view) -> absl::StatusOr<server::PolicyChange> {
                                       seen = view;
                                       server::PolicyChange change;
                                       decide(view, change);
                                       return change;
                                     }),
                IsOk());
    return seen;
  }
};
INSTANTIATE_STORE_CONTRACT(PlanStoreTest);

TEST_P(PlanStoreTest, RemembersWhenTheLastPlanWasComplete) {
  AddPolicy("nightly");
  EXPECT_EQ(See(Now(), [](const auto&, auto& change) { change.planned = true; }).planned_time, absl::InfinitePast());
  EXPECT_EQ(See(Now() + absl::Hours(1)).planned_time, Now());
  EXPECT_EQ(See(Now() + absl::Hours(2)).planned_time, Now()) << "a change that is no plan";
  AddPolicy("nightly");
  EXPECT_EQ(See(Now() + absl::Hours(3)).planned_time, Now()) << "nor is a new text";
}

TEST_P(PlanStoreTest, KnowsTheLastSlotsWhenAPlanMayHaveEnded) {
  AddPolicy("nightly");
  AddPolicy("other");
  v1::Run drill = PlannedRun("r4", "nightly", "orders", absl::Hours(9));
  drill.set_kind(v1::DRILL);
  Plan("nightly",
       {PlannedRun("r1", "nightly", "orders", absl::Hours(1)), PlannedRun("r2", "nightly", "orders", absl::Hours(2)),
        PlannedRun("r3", "nightly", "crm", absl::Hours(3)), drill});
  Plan("other", {PlannedRun("r5", "other", "orders", absl::Hours(20))});
  Change("runs/r1", [](v1::Run& run) { run.set_state(v1::SUCCEEDED); });
  Change("runs/r3", [](v1::Run& run) { run.set_state(v1::MISSED); });

  const auto known =
      See(Now() + absl::Minutes(90), [](const auto&, auto& change) { change.planned = true; }).known_slots;

  ASSERT_EQ(known.size(), 3u);
  const server::KnownSlots& orders = known.at({v1::BACKUP, kOrders});
  EXPECT_EQ(orders.last, Now() + absl::Hours(2));
  EXPECT_EQ(orders.last_due, Now() + absl::Hours(1));
  const server::KnownSlots& crm = known.at({v1::BACKUP, "agents/db1/databases/crm"});
  EXPECT_EQ(crm.last, Now() + absl::Hours(3));
  EXPECT_EQ(crm.last_due, absl::InfinitePast());
  EXPECT_EQ(known.at({v1::DRILL, kOrders}).last, Now() + absl::Hours(9));

  EXPECT_THAT(See(Now() + absl::Minutes(91)).known_slots, IsEmpty()) << "its rows reach far beyond";
  EXPECT_THAT(See(Now() + absl::Minutes(90) + absl::Hours(25)).known_slots, IsEmpty());
  EXPECT_EQ(See(Now() + absl::Minutes(91) + absl::Hours(25)).known_slots.size(), 3u);
  EXPECT_EQ(See(Now()).known_slots.size(), 3u) << "a plan of the future tells nothing";
}

TEST_P(PlanStoreTest, SeesAndOpensWhatEndedAheadOfItsTime) {
  AddPolicy("nightly");
  std::vector<v1::Run> runs;
  for (int i = 0; i < 7; ++i) {
    runs.push_back(PlannedRun(absl::StrCat("r", i), "nightly", "orders", absl::Hours(10 - i)));
  }
  runs.push_back(PlannedRun("far", "nightly", "orders", absl::Hours(30)));
  Plan("nightly", runs);
  const auto end = [&](const char* name, v1::RunState state) {
    Change(name, [&](v1::Run& run) {
      run.set_state(state);
      run.set_not_started_cause(v1::CONTROLLER_DOWN);
    });
  };
  end("runs/r0", v1::MISSED);
  end("runs/r1", v1::SKIPPED);
  end("runs/r2", v1::LOST);
  end("runs/r3", v1::LOST);
  Change("runs/r3", [](v1::Run& run) { run.set_attempt_id("a1"); });
  end("runs/r4", v1::SUCCEEDED);
  end("runs/r6", v1::MISSED);
  end("runs/far", v1::MISSED);

  const auto open = [](const server::PolicyView& view, server::PolicyChange& change) {
    change.reopen_runs = view.ended_ahead;
    for (v1::Run& run : change.reopen_runs) {
      run.set_state(v1::SCHEDULED);
      run.set_epoch(run.epoch() + 1);
      run.clear_not_started_cause();
    }
    change.reopen_runs.push_back(change.reopen_runs[0]);
    change.reopen_runs.back().set_name("runs/r4");
  };
  EXPECT_THAT(NamesOf(See(Now() + absl::Hours(4), open).ended_ahead), ElementsAre("runs/r2", "runs/r1", "runs/r0"));

  EXPECT_EQ(store().GetRun("runs/r0")->state(), v1::SCHEDULED);
  EXPECT_EQ(store().GetRun("runs/r0")->epoch(), 2);
  EXPECT_EQ(store().GetRun("runs/r0")->not_started_cause(), v1::NOT_STARTED_CAUSE_UNSPECIFIED);
  EXPECT_EQ(store().GetRun("runs/r4")->state(), v1::SUCCEEDED) << "only what did not run";
  EXPECT_THAT(See(Now() + absl::Hours(4)).ended_ahead, IsEmpty());
}

TEST_P(PolicyStoreTest, ListsByIdInPages) {
  for (const char* id : {"b", "a-b", "a", "c", "a0"}) AddPolicy(id);
  const std::vector<v1::Policy> all =
      AllPages<v1::Policy>(2, [&](const server::PageRequest& page) { return store().ListPolicies(page); });
  EXPECT_THAT(NamesOf(all), ElementsAre("policies/a", "policies/a-b", "policies/a0", "policies/b", "policies/c"));
}

TEST_P(PolicyStoreTest, ReadsAllAtOnceWithoutWhatTheirRunsTell) {
  AddAgent("db1", {"orders"});
  const v1::Policy b = AddPolicy("b");
  const v1::Policy a = AddPolicy("a");
  Plan("a", {PlannedRun("r1", "a", "orders", absl::Hours(1))});
  const absl::StatusOr<std::vector<v1::Policy>> all = store().ReadPolicies();
  ASSERT_THAT(all, IsOk());
  ASSERT_EQ(all->size(), 2u);
  EXPECT_THAT((*all)[0], EqualsProto(a));
  EXPECT_THAT((*all)[1], EqualsProto(b));
}

TEST_P(PolicyStoreTest, APartHoldsSomeDatabasesAndTheRunsUpToTheLastOfThem) {
  AddAgent("db1", {"a", "b", "c", "gone", "zgone"});
  AddPolicy("nightly");
  AddPolicy("other");
  std::vector<v1::Run> runs;
  for (const std::string id : {"a", "b", "c", "gone", "zgone"}) {
    runs.push_back(PlannedRun("r" + id, "nightly", id, absl::Hours(1)));
  }
  Plan("nightly", runs);
  Plan("other", {PlannedRun("other", "other", "a", absl::Hours(1))});
  AddAgent("db1", {"a", "b", "c", "h"});
  const auto part = [&](const std::string& after, int limit, std::vector<std::string> databases,
                        std::vector<std::string> of_runs) {
    const absl::StatusOr<std::string> next =
        store().ChangePolicyPart("policies/nightly", Now(), after, limit, [&](const server::PolicyView& view) {
          EXPECT_EQ(view.policy->name(), "policies/nightly");
          EXPECT_THAT(NamesOf(view.databases), ::testing::ElementsAreArray(databases));
          EXPECT_THAT(NamesOf(view.scheduled_runs), ::testing::UnorderedElementsAreArray(of_runs));
          return server::PolicyChange();
        });
    EXPECT_THAT(next, IsOk());
    return next.value_or("failed");
  };
  const std::string prefix = "agents/db1/databases/";
  EXPECT_EQ(part("", 2, {prefix + "a", prefix + "b"}, {"runs/ra", "runs/rb"}), prefix + "b");
  EXPECT_EQ(part(prefix + "b", 2, {prefix + "c", prefix + "h"}, {"runs/rc", "runs/rgone", "runs/rzgone"}), "")
      << "with those of databases beyond, which are gone";
  EXPECT_EQ(part(prefix + "b", 1, {prefix + "c"}, {"runs/rc"}), prefix + "c");
  EXPECT_EQ(part(prefix + "z", 9, {}, {"runs/rzgone"}), "");
}

TEST_P(PolicyStoreTest, APartIsChangedAllOrNothing) {
  AddAgent("db1", {"a", "b"});
  AddPolicy("nightly");
  Plan("nightly",
       {PlannedRun("old", "nightly", "a", absl::Hours(1)), PlannedRun("stays", "nightly", "b", absl::Hours(1))});
  const auto change_part = [&](const server::PolicyChange& change) {
    return store()
        .ChangePolicyPart("policies/nightly", Now(), "", 1, [&](const server::PolicyView&) { return change; })
        .status();
  };
  server::PolicyChange change;
  change.withdraw_runs = {"runs/old"};
  change.create_runs = {PlannedRun("new", "nightly", "a", absl::Hours(2)),
                        PlannedRun("bad\xff", "nightly", "a", absl::Hours(3))};
  EXPECT_THAT(change_part(change), HasReason("VALUE_INVALID"));
  EXPECT_EQ(store().GetRun("runs/old")->state(), v1::SCHEDULED);
  change.create_runs.pop_back();
  EXPECT_THAT(change_part(change), IsOk());
  EXPECT_THAT(store().GetRun("runs/old"), HasReason("RUN_NOT_FOUND"));
  EXPECT_THAT(store().GetRun("runs/new"), IsOk());
  change = {};
  change.update_runs = {*store().GetRun("runs/new")};
  change.update_runs[0].set_epoch(7);
  EXPECT_THAT(change_part(change), IsOk());
  EXPECT_EQ(store().GetRun("runs/new")->epoch(), 7);
  EXPECT_THAT(store().ChangePolicyPart("policies/nightly", Now(), "", 1,
                                       [](const server::PolicyView&) -> absl::StatusOr<server::PolicyChange> {
                                         return PolicyNotFound("policies/nightly");
                                       }),
              HasReason("POLICY_NOT_FOUND"));
}

}  // namespace
}  // namespace backup::testing
