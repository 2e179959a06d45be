// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "backup/v1/backup_service.grpc.pb.h"
#include "backup/v1/fleet_service.grpc.pb.h"
#include "backup/v1/policy_service.grpc.pb.h"
#include "backup/v1/run_service.grpc.pb.h"
#include "base/proto_json.h"
#include "server/api/api_test_server.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using BackupServiceStub = v1::BackupService::Stub;

constexpr char kPlannedDatabase[] = "agents/db1/databases/shop";

class RetentionPlanTest : public ::testing::Test {
 protected:
  void SetUp() override {
    server_.PutAgent("db1", {"shop", "empty"});
    v1::Policy policy;
    policy.set_name("policies/nightly");
    policy.mutable_spec()->mutable_retention()->set_keep_last(3);
    policy.mutable_spec()->mutable_retention()->set_minimum_good(2);
    server_.store().PutPolicy(policy, server_.clock().Now());
  }
  // Backups b0 (the oldest), b1 and so on.
  void PutBackups(int count, const std::string& policy) {
    for (int i = 0; i < count; ++i) {
      v1::Backup backup;
      backup.set_name(NameOf(next_++));
      backup.set_database(kPlannedDatabase);
      backup.set_policy(policy);
      backup.set_state(v1::GOOD);
      backup.set_size_bytes(10);
      *backup.mutable_snapshot_time() = ToProto(server_.clock().Now() - absl::Hours(100 - next_));
      server_.store().PutBackup(backup);
    }
  }
  static std::string NameOf(int number) { return absl::StrCat("backups/20261121T220000Z-aaaaaaaaa", number); }
  v1::Run PutRun(const std::string& id, v1::RunKind kind, v1::RunState state, const std::string& backup = "") {
    v1::Run run;
    run.set_name("runs/" + id);
    run.set_kind(kind);
    run.set_state(state);
    run.set_database(kPlannedDatabase);
    run.set_policy("policies/nightly");
    run.set_backup(backup);
    *run.mutable_slot_time() = ToProto(server_.clock().Now() - absl::Hours(50 - ++slot_));
    server_.store().PutRun(run);
    return run;
  }
  absl::StatusOr<v1::RetentionPlan> Plan(const std::string& database = kPlannedDatabase, int page_size = 0,
                                         const std::string& token = "") {
    v1::PlanRetentionRequest request;
    request.set_database(database);
    request.set_page_size(page_size);
    request.set_page_token(token);
    return Call(stub_, &BackupServiceStub::PlanRetention, request);
  }
  // "8 keep: keepLast, minimumGood", the newest first.
  static std::vector<std::string> Lines(const v1::RetentionPlan& plan) {
    std::vector<std::string> lines;
    for (const v1::RetentionDecision& decision : plan.decisions()) {
      lines.push_back(absl::StrCat(decision.backup().name().substr(decision.backup().name().size() - 1), " ",
                                   decision.keep() ? "keep: " : "delete: ", absl::StrJoin(decision.reasons(), ", ")));
    }
    return lines;
  }

  int next_ = 0;
  int slot_ = 0;
  ApiTestServer server_;
  const std::unique_ptr<BackupServiceStub> stub_ = v1::BackupService::NewStub(server_.Dial(server_.User()));
};

TEST_F(RetentionPlanTest, SaysOfEachBackupWhetherItStaysAndWhy) {
  PutBackups(5, "policies/nightly");

  const auto plan = Plan();

  ASSERT_THAT(plan, IsOk());
  EXPECT_THAT(Lines(*plan),
              ElementsAre("4 keep: newest good, minimumGood, keepLast", "3 keep: minimumGood, keepLast",
                          "2 keep: keepLast", "1 delete: no rule keeps it", "0 delete: no rule keeps it"));
  ASSERT_EQ(plan->policies_size(), 1);
  EXPECT_EQ(plan->policies(0).policy(), "policies/nightly");
  EXPECT_EQ(plan->policies(0).keep_count(), 3);
  EXPECT_EQ(plan->policies(0).keep_bytes(), 30);
  EXPECT_EQ(plan->policies(0).delete_count(), 2);
  EXPECT_EQ(plan->policies(0).delete_bytes(), 20);
  EXPECT_THAT(plan->policies(0).frozen(), IsEmpty());
}

TEST_F(RetentionPlanTest, EachPolicyDecidesAboutItsOwnAndNobodyAboutTheOthers) {
  PutBackups(4, "policies/nightly");
  PutBackups(2, "");
  PutBackups(2, "policies/gone");

  const auto plan = Plan();

  ASSERT_THAT(plan, IsOk());
  EXPECT_THAT(Lines(*plan),
              ElementsAre("7 keep: its policy is gone", "6 keep: its policy is gone", "5 keep: made without a policy",
                          "4 keep: made without a policy", "3 keep: newest good, minimumGood, keepLast",
                          "2 keep: minimumGood, keepLast", "1 keep: keepLast", "0 delete: no rule keeps it"));
  EXPECT_EQ(plan->policies_size(), 3);
}

TEST_F(RetentionPlanTest, WhatARunReadsStays) {
  PutBackups(5, "policies/nightly");
  PutRun("drill", v1::DRILL, v1::RUNNING, NameOf(0));
  PutRun("verify", v1::VERIFY, v1::SUCCEEDED, NameOf(1));

  const auto plan = Plan();

  ASSERT_THAT(plan, IsOk());
  EXPECT_EQ(Lines(*plan).at(4), "0 keep: in use");
  EXPECT_EQ(Lines(*plan).at(3), "1 delete: no rule keeps it");
}

TEST_F(RetentionPlanTest, WhatSomebodyHoldsStaysUntilItIsReleased) {
  PutBackups(5, "policies/nightly");
  v1::HoldBackupRequest hold;
  hold.set_name(NameOf(0));
  EXPECT_THAT(Call(stub_, &BackupServiceStub::HoldBackup, hold), HasReason("INVALID_FIELD"));
  hold.set_reason("the audit");
  const auto held = Call(stub_, &BackupServiceStub::HoldBackup, hold);
  ASSERT_THAT(held, IsOk());
  EXPECT_EQ(held->hold().owner(), "users/alice");
  EXPECT_EQ(Lines(*Plan()).at(4), "0 keep: held");

  v1::ReleaseBackupRequest release;
  release.set_name(NameOf(0));
  EXPECT_FALSE(Call(stub_, &BackupServiceStub::ReleaseBackup, release)->has_hold());
  EXPECT_THAT(Call(stub_, &BackupServiceStub::ReleaseBackup, release), IsOk()) << "once more";
  EXPECT_EQ(Lines(*Plan()).at(4), "0 delete: no rule keeps it");
  EXPECT_EQ(server_.store().ListEvents(NameOf(0), {10, ""})->items.size(), 2u) << "held, released";
  release.set_name("backups/20261121T220000Z-bbbbbbbbbb");
  EXPECT_THAT(Call(stub_, &BackupServiceStub::ReleaseBackup, release), HasReason("BACKUP_NOT_FOUND"));

  *hold.mutable_expire_time() = ToProto(server_.clock().Now() + absl::Hours(1));
  ASSERT_THAT(Call(stub_, &BackupServiceStub::HoldBackup, hold), IsOk());
  EXPECT_EQ(Lines(*Plan()).at(4), "0 keep: held");
  server_.clock().Advance(absl::Hours(2));
  EXPECT_EQ(Lines(*Plan()).at(4), "0 delete: no rule keeps it");
}

TEST_F(RetentionPlanTest, ALastRunThatBroughtNothingFreezes) {
  PutBackups(5, "policies/nightly");
  PutRun("good", v1::BACKUP, v1::SUCCEEDED);
  PutRun("bad", v1::BACKUP, v1::FAILED);
  PutRun("skipped", v1::BACKUP, v1::SKIPPED);
  PutRun("next", v1::BACKUP, v1::SCHEDULED);
  EXPECT_THAT(Plan()->policies(0).frozen(), ElementsAre("the last backup run brought no backup"));
  PutRun("again", v1::BACKUP, v1::SUCCEEDED);
  EXPECT_THAT(Plan()->policies(0).frozen(), IsEmpty());
}

TEST_F(RetentionPlanTest, ComesInPages) {
  PutBackups(5, "policies/nightly");
  auto page = Plan(kPlannedDatabase, 2);
  ASSERT_THAT(page, IsOk());
  EXPECT_EQ(page->decisions_size(), 2);
  EXPECT_EQ(page->policies(0).keep_count(), 3) << "of all pages";
  page = Plan(kPlannedDatabase, 2, page->next_page_token());
  ASSERT_THAT(page, IsOk());
  EXPECT_THAT(Lines(*page), ElementsAre("2 keep: keepLast", "1 delete: no rule keeps it"));
  page = Plan(kPlannedDatabase, 2, page->next_page_token());
  ASSERT_THAT(page, IsOk());
  EXPECT_EQ(page->decisions_size(), 1);
  EXPECT_EQ(page->next_page_token(), "");
}

TEST_F(RetentionPlanTest, RefusesWhatItCannotPlan) {
  EXPECT_THAT(Plan("agents/db1/databases/none"), HasReason("DATABASE_NOT_FOUND"));
  EXPECT_THAT(Plan("shop"), HasReason("INVALID_RESOURCE_NAME"));
  EXPECT_THAT(Plan(kPlannedDatabase, 0, "x"), HasReason("PAGE_TOKEN_INVALID"));
  EXPECT_EQ(Plan("agents/db1/databases/empty")->decisions_size(), 0);
}

TEST_F(RetentionPlanTest, AppliedItDeletesWhatThePlanLetsGo) {
  PutBackups(5, "policies/nightly");
  v1::ApplyRetentionRequest request;
  request.set_database(kPlannedDatabase);
  request.set_validate_only(true);
  auto applied = Call(stub_, &BackupServiceStub::ApplyRetention, request);
  ASSERT_THAT(applied, IsOk());
  EXPECT_THAT(applied->delete_runs(), IsEmpty());
  EXPECT_EQ(applied->policies(0).delete_count(), 2);
  EXPECT_EQ(server_.store().GetBackup(NameOf(0))->state(), v1::GOOD);

  request.set_validate_only(false);
  applied = Call(stub_, &BackupServiceStub::ApplyRetention, request);
  ASSERT_THAT(applied, IsOk());
  ASSERT_EQ(applied->delete_runs_size(), 2);
  const v1::Backup backup = *server_.store().GetBackup(NameOf(0));
  EXPECT_EQ(backup.state(), v1::DELETING);
  EXPECT_EQ(backup.delete_run(), applied->delete_runs(0));
  EXPECT_EQ(server_.store().GetRun(applied->delete_runs(0))->kind(), v1::DELETE);
  EXPECT_EQ(server_.store().ListEvents(NameOf(0), {1, ""})->items.at(0).actor(), "users/alice");
}

TEST_F(RetentionPlanTest, WhatIsFrozenIsDeletedOnlyWhenConfirmed) {
  PutBackups(5, "policies/nightly");
  PutRun("bad", v1::BACKUP, v1::FAILED);
  v1::ApplyRetentionRequest request;
  request.set_database(kPlannedDatabase);
  EXPECT_THAT(Call(stub_, &BackupServiceStub::ApplyRetention, request), HasReason("RETENTION_FROZEN"));
  EXPECT_EQ(server_.store().GetBackup(NameOf(0))->state(), v1::GOOD);
  request.set_confirm(true);
  const auto applied = Call(stub_, &BackupServiceStub::ApplyRetention, request);
  ASSERT_THAT(applied, IsOk());
  EXPECT_EQ(applied->delete_runs_size(), 2);
  v1::FleetStatus status;
  status.add_databases()->mutable_database()->set_name(kPlannedDatabase);
  server_.frozen_retention().FillIn(status);
  EXPECT_EQ(status.databases(0).retention_frozen_size(), 0) << "nothing stands against it any more";
}

TEST_F(RetentionPlanTest, WhileOnePolicyIsFrozenNothingNewGoesUnderAnother) {
  v1::Policy another = *server_.store().GetPolicy("policies/nightly");
  another.set_name("policies/another");
  server_.store().PutPolicy(another, server_.clock().Now());
  PutBackups(4, "policies/another");
  PutBackups(8, "policies/nightly");  // Five of eight would go.
  v1::ApplyRetentionRequest request;
  request.set_database(kPlannedDatabase);
  EXPECT_THAT(Call(stub_, &BackupServiceStub::ApplyRetention, request), HasReason("RETENTION_FROZEN"));
  EXPECT_EQ(server_.store().GetBackup(NameOf(0))->state(), v1::GOOD);
}

TEST_F(RetentionPlanTest, ADeletionThatFailedIsTriedAgainThoughTheRestIsFrozen) {
  PutBackups(5, "policies/nightly");
  v1::ApplyRetentionRequest request;
  request.set_database(kPlannedDatabase);
  auto applied = Call(stub_, &BackupServiceStub::ApplyRetention, request);
  ASSERT_THAT(applied, IsOk());
  ASSERT_EQ(applied->delete_runs_size(), 2);
  for (const std::string& name : applied->delete_runs()) {
    v1::Run failed = *server_.store().GetRun(name);
    failed.set_state(v1::FAILED);
    server_.store().PutRun(failed);
  }
  v1::Policy policy = *server_.store().GetPolicy("policies/nightly");
  policy.mutable_spec()->mutable_retention()->set_keep_last(1);
  policy.mutable_spec()->mutable_retention()->set_minimum_good(1);
  server_.store().PutPolicy(policy, server_.clock().Now());  // Two of three would go.

  applied = Call(stub_, &BackupServiceStub::ApplyRetention, request);

  ASSERT_THAT(applied, IsOk());
  EXPECT_EQ(applied->delete_runs_size(), 2);
  EXPECT_EQ(applied->policies(0).frozen_size(), 1);
  EXPECT_EQ(server_.store().GetBackup(NameOf(2))->state(), v1::GOOD);
  v1::FleetStatus status;
  status.add_databases()->mutable_database()->set_name(kPlannedDatabase);
  server_.frozen_retention().FillIn(status);
  EXPECT_EQ(status.databases(0).retention_frozen_size(), 1);
  EXPECT_THAT(Call(stub_, &BackupServiceStub::ApplyRetention, request), HasReason("RETENTION_FROZEN"))
      << "nothing else was to be done";
}

TEST_F(RetentionPlanTest, WhatAnAgentCannotDeleteIsNotBegunThoughItIsConfirmed) {
  PutBackups(5, "policies/nightly");
  v1::Agent agent = *server_.store().GetAgent("agents/db1");
  agent.clear_capabilities();
  server_.store().PutAgent(agent);
  v1::ApplyRetentionRequest request;
  request.set_database(kPlannedDatabase);
  request.set_confirm(true);
  EXPECT_THAT(Call(stub_, &BackupServiceStub::ApplyRetention, request), HasReason("AGENT_CANNOT_DELETE"));
  EXPECT_EQ(server_.store().GetBackup(NameOf(0))->state(), v1::GOOD);
}

TEST_F(RetentionPlanTest, AClockThatJumpedIsToldAndFreezes) {
  PutBackups(5, "policies/nightly");
  server_.clock().SetWallTime(server_.clock().Now() + absl::Hours(1));
  server_.clock_watch().RunOnce();
  EXPECT_THAT(Plan()->policies(0).frozen(),
              ElementsAre("a clock jumped lately, or the agent's differs from the controller's"));
  const std::unique_ptr<v1::FleetService::Stub> fleet = v1::FleetService::NewStub(server_.Dial(server_.User()));
  const auto status = Call(fleet, &v1::FleetService::Stub::GetFleetStatus, v1::GetFleetStatusRequest());
  ASSERT_THAT(status, IsOk());
  ASSERT_EQ(status->problems_size(), 1);
  EXPECT_THAT(status->problems(0), ::testing::HasSubstr("clock moved forward by 1h"));
}

TEST_F(RetentionPlanTest, OneIsDeletedByHandAndThenNoLongerRead) {
  PutBackups(3, "policies/nightly");
  v1::DeleteBackupRequest request;
  request.set_name(NameOf(1));
  request.set_reason(std::string(1001, 'x'));
  EXPECT_THAT(Call(stub_, &BackupServiceStub::DeleteBackup, request), HasReason("INVALID_FIELD"));
  request.set_reason("holds a secret");
  const auto run = Call(stub_, &BackupServiceStub::DeleteBackup, request);
  ASSERT_THAT(run, IsOk());
  EXPECT_EQ(run->kind(), v1::DELETE);
  EXPECT_EQ(run->state(), v1::PENDING);
  EXPECT_THAT(Call(stub_, &BackupServiceStub::DeleteBackup, request), HasReason("BACKUP_DELETED"));
  const std::unique_ptr<v1::RunService::Stub> runs = v1::RunService::NewStub(server_.Dial(server_.User()));
  v1::CreateRunRequest verify;
  verify.mutable_run()->set_kind(v1::VERIFY);
  verify.mutable_run()->set_backup(NameOf(1));
  EXPECT_THAT(Call(runs, &v1::RunService::Stub::CreateRun, verify), HasReason("BACKUP_DELETED"));
  v1::HoldBackupRequest hold;
  hold.set_name(NameOf(1));
  hold.set_reason("too late");
  EXPECT_THAT(Call(stub_, &BackupServiceStub::HoldBackup, hold), HasReason("BACKUP_DELETED"));
  request.set_name(NameOf(2));
  EXPECT_THAT(Call(stub_, &BackupServiceStub::DeleteBackup, request), HasReason("BACKUP_PROTECTED"));
  request.set_name(NameOf(9));
  EXPECT_THAT(Call(stub_, &BackupServiceStub::DeleteBackup, request), HasReason("BACKUP_NOT_FOUND"));
}

TEST_F(RetentionPlanTest, AChangeOfAPolicyByWhichBackupsGoWantsToBeConfirmed) {
  PutBackups(5, "policies/nightly");
  PutBackups(5, "policies/another");
  const std::unique_ptr<v1::PolicyService::Stub> policies = v1::PolicyService::NewStub(server_.Dial(server_.User()));
  v1::Policy policy = server_.PutPolicy("nightly");
  policy.mutable_spec()->mutable_retention()->Clear();
  policy.mutable_spec()->mutable_retention()->set_keep_last(5);
  policy.mutable_spec()->mutable_retention()->set_minimum_good(1);
  server_.store().PutPolicy(policy, server_.clock().Now());
  policy.clear_etag();
  policy.mutable_spec()->mutable_retention()->set_keep_last(3);

  v1::PlanPolicyChangeRequest plan;
  *plan.mutable_policy() = policy;
  const auto planned = Call(policies, &v1::PolicyService::Stub::PlanPolicyChange, plan);
  ASSERT_THAT(planned, IsOk());
  EXPECT_EQ(planned->delete_count(), 2);
  ASSERT_EQ(planned->databases_size(), 1);
  EXPECT_EQ(planned->databases(0).database(), kPlannedDatabase);
  EXPECT_EQ(planned->databases(0).frozen_size(), 0);
  plan.mutable_policy()->mutable_spec()->mutable_retention()->set_keep_last(2);
  EXPECT_THAT(Call(policies, &v1::PolicyService::Stub::PlanPolicyChange, plan)->databases(0).frozen(),
              ElementsAre("more than half of the backups would go at once"));

  v1::UpdatePolicyRequest update;
  *update.mutable_policy() = policy;
  EXPECT_THAT(Call(policies, &v1::PolicyService::Stub::UpdatePolicy, update), HasReason("RETENTION_SHRINKS"));
  EXPECT_EQ(server_.store().GetPolicy("policies/nightly")->spec().retention().keep_last(), 5);
  update.set_confirm(true);
  EXPECT_THAT(Call(policies, &v1::PolicyService::Stub::UpdatePolicy, update), IsOk());
  EXPECT_EQ(server_.store().GetPolicy("policies/nightly")->spec().retention().keep_last(), 3);
}

TEST_F(RetentionPlanTest, APolicyThatComesBackWantsToBeConfirmedWhenItsOldBackupsWouldGo) {
  PutBackups(5, "policies/weekly");
  const std::unique_ptr<v1::PolicyService::Stub> policies = v1::PolicyService::NewStub(server_.Dial(server_.User()));
  v1::CreatePolicyRequest create;
  *create.mutable_policy() = server_.PutPolicy("other");
  create.mutable_policy()->set_name("policies/weekly");
  create.mutable_policy()->mutable_spec()->mutable_retention()->Clear();
  create.mutable_policy()->mutable_spec()->mutable_retention()->set_keep_last(2);
  EXPECT_THAT(Call(policies, &v1::PolicyService::Stub::CreatePolicy, create), HasReason("RETENTION_SHRINKS"));
  create.set_confirm(true);
  EXPECT_THAT(Call(policies, &v1::PolicyService::Stub::CreatePolicy, create), IsOk());
}

}  // namespace
}  // namespace backup::server
