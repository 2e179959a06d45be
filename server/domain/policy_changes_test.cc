// SPDX-License-Identifier: Apache-2.0
#include "server/domain/policy_changes.h"

#include <gtest/gtest.h>

#include "server/domain/test_data.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::At;
using ::backup::testing::DatabaseOf;
using ::backup::testing::EqualsProto;
using ::backup::testing::FakeRandom;
using ::backup::testing::FromText;
using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::backup::testing::NightlyPolicy;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class PolicyChangesTest : public ::testing::Test {
 protected:
  PolicyChangesTest() { empty_.databases = {DatabaseOf("db1", "orders"), DatabaseOf("db2", "users")}; }

  ChangeContext Context() { return {"users/admin", now_, &random_}; }

  v1::CreatePolicyRequest CreateRequest() {
    return FromText<v1::CreatePolicyRequest>(R"pb(
      policy {
        name: "policies/nightly"
        etag: "ignored"
        database_count: 99
        spec {
          databases {}
          schedule { cron: "0 22 * * *" }
          retention { keep_daily: 7 }
        }
      })pb");
  }

  static v1::UpdatePolicyRequest MoveToThreeInTheMorning() {
    return FromText<v1::UpdatePolicyRequest>(R"pb(
      policy {
        name: "policies/nightly"
        etag: "7"
        spec { schedule { cron: "0 3 * * *" } }
      }
      update_mask { paths: "spec.schedule.cron" })pb");
  }

  // The view once NightlyPolicy is stored with its rows.
  PolicyView Stored() {
    PolicyView view = empty_;
    const absl::StatusOr<PolicyChange> change = CreatePolicyDecision(CreateRequest(), Context())(empty_);
    EXPECT_THAT(change, IsOk());
    view.policy = change->put_policy;
    view.policy->set_etag("7");
    view.scheduled_runs = change->create_runs;
    return view;
  }

  const absl::Time now_ = At("2026-11-23T12:00:00Z");
  FakeRandom random_;
  PolicyView empty_;
};

TEST_F(PolicyChangesTest, CreateStoresDefaultsPlansRunsAndSaysSo) {
  const absl::StatusOr<PolicyChange> change = CreatePolicyDecision(CreateRequest(), Context())(empty_);
  ASSERT_THAT(change, IsOk());
  ASSERT_TRUE(change->put_policy.has_value());
  EXPECT_EQ(change->put_policy->spec().schedule().time_zone(), "UTC");
  EXPECT_EQ(change->put_policy->etag(), "");
  EXPECT_EQ(change->put_policy->database_count(), 0);
  EXPECT_EQ(ToAbsl(change->put_policy->create_time()), now_);
  EXPECT_THAT(change->create_runs, SizeIs(4));  // Two databases, two slots.
  ASSERT_THAT(change->events, SizeIs(1));
  EXPECT_EQ(change->events[0].type(), "POLICY_CREATED");
  EXPECT_EQ(change->events[0].actor(), "users/admin");
  EXPECT_EQ(change->events[0].subject(), "policies/nightly");
}

TEST_F(PolicyChangesTest, CreateRefusesOneThatIsThereOrIsWrong) {
  EXPECT_THAT(CreatePolicyDecision(CreateRequest(), Context())(Stored()), HasReason("POLICY_ALREADY_EXISTS"));
  v1::CreatePolicyRequest request = CreateRequest();
  request.mutable_policy()->mutable_spec()->clear_retention();
  EXPECT_THAT(CreatePolicyDecision(request, Context())(empty_), HasReason("INVALID_FIELD"));
}

TEST_F(PolicyChangesTest, UpdateReplansInTheSameChange) {
  const absl::StatusOr<PolicyChange> change = UpdatePolicyDecision(MoveToThreeInTheMorning(), Context())(Stored());
  ASSERT_THAT(change, IsOk());
  EXPECT_EQ(change->put_policy->spec().schedule().cron(), "0 3 * * *");
  EXPECT_THAT(change->withdraw_runs, SizeIs(4));
  EXPECT_THAT(change->create_runs, SizeIs(4));
  EXPECT_EQ(change->events.at(0).type(), "POLICY_UPDATED");
  EXPECT_EQ(change->events.at(0).message(), "4 runs planned, 0 changed, 4 withdrawn");
}

TEST_F(PolicyChangesTest, UpdateThatChangesNothingWritesNothing) {
  const PolicyView view = Stored();
  v1::UpdatePolicyRequest request;
  *request.mutable_policy() = *view.policy;
  const absl::StatusOr<PolicyChange> change = UpdatePolicyDecision(request, Context())(view);
  ASSERT_THAT(change, IsOk());
  EXPECT_FALSE(change->put_policy.has_value());
  EXPECT_THAT(change->events, IsEmpty());
  EXPECT_THAT(change->create_runs, IsEmpty());
}

TEST_F(PolicyChangesTest, UpdateNeedsThePolicyOrLeaveToCreateIt) {
  v1::UpdatePolicyRequest request;
  *request.mutable_policy() = CreateRequest().policy();
  request.mutable_policy()->clear_etag();
  EXPECT_THAT(UpdatePolicyDecision(request, Context())(empty_), HasReason("POLICY_NOT_FOUND"));
  request.set_allow_missing(true);
  const absl::StatusOr<PolicyChange> change = UpdatePolicyDecision(request, Context())(empty_);
  ASSERT_THAT(change, IsOk());
  EXPECT_EQ(change->events.at(0).type(), "POLICY_CREATED");
}

TEST_F(PolicyChangesTest, UpdateAndDeleteRefuseAnOldEtag) {
  v1::UpdatePolicyRequest update;
  *update.mutable_policy() = *Stored().policy;
  update.mutable_policy()->set_etag("6");
  EXPECT_THAT(UpdatePolicyDecision(update, Context())(Stored()), HasReason("ETAG_MISMATCH"));
  update.set_allow_missing(true);
  EXPECT_THAT(UpdatePolicyDecision(update, Context())(empty_), HasReason("ETAG_MISMATCH"));
  v1::DeletePolicyRequest remove;
  remove.set_name("policies/nightly");
  remove.set_etag("6");
  EXPECT_THAT(DeletePolicyDecision(remove, Context())(Stored()), HasReason("ETAG_MISMATCH"));
}

TEST_F(PolicyChangesTest, AWrongUpdateIsRefusedWhole) {
  v1::UpdatePolicyRequest request;
  request.mutable_policy()->set_name("policies/nightly");
  request.mutable_policy()->mutable_spec()->mutable_schedule()->set_cron("0 0 31 2 *");
  request.mutable_update_mask()->add_paths("spec.schedule.cron");
  EXPECT_THAT(UpdatePolicyDecision(request, Context())(Stored()), HasReason("INVALID_FIELD"));
}

TEST_F(PolicyChangesTest, DeleteTellsTheAgentsWhoseRunsGoWithIt) {
  v1::DeletePolicyRequest request;
  request.set_name("policies/nightly");
  EXPECT_THAT(DeletePolicyDecision(request, Context())(empty_), HasReason("POLICY_NOT_FOUND"));
  std::vector<std::string> agents;
  const absl::StatusOr<PolicyChange> change =
      RecordingAgents(DeletePolicyDecision(request, Context()), &agents)(Stored());
  ASSERT_THAT(change, IsOk());
  EXPECT_TRUE(change->delete_policy);
  EXPECT_THAT(agents, ElementsAre("agents/db1", "agents/db2"));
  EXPECT_EQ(change->events.at(0).type(), "POLICY_DELETED");
}

TEST_F(PolicyChangesTest, PauseAndResumeAreIdempotent) {
  PolicyView view = Stored();
  EXPECT_THAT(PausePolicyDecision("policies/nightly", Context())(empty_), HasReason("POLICY_NOT_FOUND"));
  absl::StatusOr<PolicyChange> change = PausePolicyDecision("policies/nightly", Context())(view);
  ASSERT_THAT(change, IsOk());
  EXPECT_TRUE(change->put_policy->spec().schedule().paused());
  EXPECT_EQ(change->events.at(0).type(), "POLICY_PAUSED");
  EXPECT_THAT(change->withdraw_runs, IsEmpty());  // Rows stay, to become SKIPPED.
  view.policy = change->put_policy;
  EXPECT_FALSE(PausePolicyDecision("policies/nightly", Context())(view)->put_policy.has_value());
  change = ResumePolicyDecision("policies/nightly", Context())(view);
  EXPECT_FALSE(change->put_policy->spec().schedule().paused());
  EXPECT_EQ(change->events.at(0).type(), "POLICY_RESUMED");
}

TEST_F(PolicyChangesTest, AChangeRightAfterAnOutageRecordsTheOldSchedulesSlotsFirst) {
  PolicyView view = Stored();
  view.scheduled_runs.clear();
  *view.policy->mutable_update_time() = ToProto(now_ - absl::Hours(24 * 10));
  view.planned_time = now_ - absl::Hours(24 * 3);
  for (const v1::Database& database : view.databases) {
    view.known_slots[{v1::BACKUP, database.name()}] = {At("2026-11-20T22:00:00Z"), At("2026-11-20T22:00:00Z")};
  }

  const absl::StatusOr<PolicyChange> change = UpdatePolicyDecision(MoveToThreeInTheMorning(), Context())(view);

  ASSERT_THAT(change, IsOk());
  std::vector<std::string> past;
  for (const v1::Run& run : change->create_runs) {
    const absl::Time slot = ToAbsl(run.slot_time());
    if (slot <= now_) past.push_back(v1::RunState_Name(run.state()));
    EXPECT_EQ(absl::UTCTimeZone().At(slot).cs.hour(), slot <= now_ ? 22 : 3);
  }
  EXPECT_THAT(past, ElementsAre("MISSED", "MISSED", "MISSED", "MISSED")) << "two databases, two nights";
  EXPECT_EQ(change->put_policy->spec().schedule().cron(), "0 3 * * *");

  for (auto& [key, known] : view.known_slots) known = {now_ - absl::Hours(24 * 3), now_ - absl::Hours(24 * 3)};
  view.policy->mutable_spec()->mutable_schedule()->set_cron("* * * * *");
  view.planned_time = now_ - absl::Hours(24 * 4);
  EXPECT_THAT(PausePolicyDecision("policies/nightly", Context())(view), HasReason("PLAN_INCOMPLETE"));
}

TEST_F(PolicyChangesTest, AChangeKeepsTheCreateTime) {
  PolicyView view = Stored();
  const absl::Time created = now_ - absl::Hours(24);
  *view.policy->mutable_create_time() = ToProto(created);
  const absl::StatusOr<PolicyChange> change = PausePolicyDecision("policies/nightly", Context())(view);
  EXPECT_EQ(ToAbsl(change->put_policy->create_time()), created);
  EXPECT_EQ(ToAbsl(change->put_policy->update_time()), now_);
}

TEST_F(PolicyChangesTest, PreviewsAreWhatWouldBeStored) {
  v1::UpdatePolicyRequest request;
  *request.mutable_policy() = CreateRequest().policy();
  request.mutable_policy()->clear_etag();
  request.mutable_policy()->mutable_spec()->mutable_dump()->set_jobs(3);
  const absl::StatusOr<v1::Policy> preview = PolicyToUpdate(Stored().policy, request);
  ASSERT_THAT(preview, IsOk());
  EXPECT_EQ(preview->spec().dump().jobs(), 3);
  EXPECT_EQ(preview->spec().schedule().time_zone(), "UTC");
}

TEST_F(PolicyChangesTest, DecisionsMayBeMadeMoreThanOnce) {
  const PolicyDecision decide = CreatePolicyDecision(CreateRequest(), Context());
  const absl::StatusOr<PolicyChange> first = decide(empty_);
  const absl::StatusOr<PolicyChange> second = decide(empty_);
  EXPECT_THAT(*second->put_policy, EqualsProto(*first->put_policy));
  EXPECT_EQ(second->create_runs.size(), first->create_runs.size());
}

TEST_F(PolicyChangesTest, TellsWhoseRunsItChanged) {
  std::vector<std::string> agents = {"agents/stale"};
  ASSERT_THAT(RecordingAgents(CreatePolicyDecision(CreateRequest(), Context()), &agents)(empty_), IsOk());
  EXPECT_THAT(agents, ElementsAre("agents/db1", "agents/db2"));
  PolicyView same = Stored();
  same.policy->mutable_spec()->mutable_schedule()->set_paused(true);
  ASSERT_THAT(RecordingAgents(PausePolicyDecision("policies/nightly", Context()), &agents)(same), IsOk());
  EXPECT_THAT(agents, IsEmpty());
  // What is paused is taken from the agents before it is due.
  ASSERT_THAT(RecordingAgents(PausePolicyDecision("policies/nightly", Context()), &agents)(Stored()), IsOk());
  EXPECT_THAT(agents, ElementsAre("agents/db1", "agents/db2"));
  v1::DeletePolicyRequest remove;
  remove.set_name("policies/nightly");
  ASSERT_THAT(RecordingAgents(DeletePolicyDecision(remove, Context()), &agents)(Stored()), IsOk());
  EXPECT_THAT(agents, ElementsAre("agents/db1", "agents/db2"));
}

}  // namespace
}  // namespace backup::server
