// SPDX-License-Identifier: Apache-2.0
#include "server/api/retention_forecast.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "backup/v1/backup_service.grpc.pb.h"
#include "base/proto_json.h"
#include "server/api/api_test_server.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ForecastStub = v1::BackupService::Stub;

constexpr char kForecastDatabase[] = "agents/db1/databases/shop";

// Nightly backups, of which the last three stay; five are there.
class RetentionForecastTest : public ::testing::Test {
 protected:
  void SetUp() override {
    server_.PutAgent("db1", {"shop", "bare"});
    policy_.set_name("policies/nightly");
    v1::PolicySpec& spec = *policy_.mutable_spec();
    spec.add_databases()->set_database("shop");
    spec.mutable_schedule()->set_cron("0 22 * * *");
    spec.mutable_retention()->set_keep_last(3);
    spec.mutable_retention()->set_minimum_good(1);
    server_.store().PutPolicy(policy_, server_.clock().Now());
    for (int i = 0; i < 5; ++i) PutBackup(i, "policies/nightly");
  }
  v1::Backup PutBackup(int number, const std::string& policy, v1::BackupState state = v1::GOOD) {
    v1::Backup backup;
    backup.set_name(NameOf(number));
    backup.set_database(kForecastDatabase);
    backup.set_policy(policy);
    backup.set_state(state);
    backup.set_size_bytes(10);
    backup.mutable_manifest()->set_format_version(1);
    *backup.mutable_snapshot_time() = ToProto(server_.clock().Now() - absl::Hours(24 * (10 - number)));
    server_.store().PutBackup(backup);
    return backup;
  }
  static std::string NameOf(int number) { return absl::StrCat("backups/20261121T220000Z-aaaaaaaaa", number); }
  absl::StatusOr<v1::RetentionSimulation> Simulate(int days, const std::string& policy = "",
                                                   const std::string& database = kForecastDatabase) {
    v1::SimulateRetentionRequest request;
    request.set_database(database);
    request.set_policy(policy);
    request.set_day_count(days);
    return Call(stub_, &ForecastStub::SimulateRetention, request);
  }
  absl::StatusOr<v1::BackupOutlook> Outlook(const std::string& name) {
    v1::GetBackupOutlookRequest request;
    request.set_name(name);
    return Call(stub_, &ForecastStub::GetBackupOutlook, request);
  }

  v1::Policy policy_;
  ApiTestServer server_;
  const std::unique_ptr<ForecastStub> stub_ = v1::BackupService::NewStub(server_.Dial(server_.User()));
};

TEST_F(RetentionForecastTest, SimulatesUnderThePolicyThatCoversTheDatabase) {
  PutBackup(5, "");
  const auto simulation = Simulate(10);
  ASSERT_THAT(simulation, IsOk());
  EXPECT_EQ(simulation->database(), kForecastDatabase);
  EXPECT_EQ(simulation->policy(), "policies/nightly");
  EXPECT_EQ(simulation->start_count(), 5) << "those that the policy made";
  EXPECT_EQ(simulation->made_count(), 10);
  EXPECT_EQ(simulation->deleted_count(), 12);
  EXPECT_EQ(simulation->backups_size(), 3);
  EXPECT_EQ(simulation->total_bytes(), 30);
  EXPECT_EQ(ToAbsl(simulation->end_time()) - ToAbsl(simulation->start_time()), absl::Hours(240));
  EXPECT_EQ(Simulate(0)->made_count(), 400) << "by default";
  EXPECT_EQ(server_.store().ListBackups({}, {100, ""})->items.size(), 6u) << "nothing has changed";
}

TEST_F(RetentionForecastTest, APolicyThatDoesNotCoverTheDatabaseIsTriedOnRequest) {
  policy_.set_name("policies/weekly");
  policy_.mutable_spec()->mutable_databases(0)->set_database("other");
  policy_.mutable_spec()->mutable_schedule()->set_cron("0 22 * * 0");
  server_.store().PutPolicy(policy_, server_.clock().Now());
  EXPECT_EQ(Simulate(70, "policies/weekly")->made_count(), 10);
  EXPECT_EQ(Simulate(70, "policies/weekly")->assumed_size_bytes(), 10) << "as what another policy made";
}

TEST_F(RetentionForecastTest, OneOfSeveralPoliciesHasToBeNamed) {
  policy_.set_name("policies/weekly");
  server_.store().PutPolicy(policy_, server_.clock().Now());
  const auto simulation = Simulate(10);
  EXPECT_THAT(simulation, HasReason("POLICY_AMBIGUOUS"));
  EXPECT_EQ(Simulate(10, "policies/weekly")->start_count(), 0);
}

TEST_F(RetentionForecastTest, APolicyIsTriedBeforeItIsStored) {
  v1::SimulateRetentionRequest request;
  request.set_database(kForecastDatabase);
  request.set_day_count(10);
  *request.mutable_as_policy() = policy_;
  request.mutable_as_policy()->mutable_spec()->mutable_retention()->set_keep_last(7);
  const auto simulation = Call(stub_, &ForecastStub::SimulateRetention, request);
  ASSERT_THAT(simulation, IsOk());
  EXPECT_EQ(simulation->start_count(), 5) << "it decides about the backups of the stored one of its name";
  EXPECT_EQ(simulation->backup_count(), 7);
  EXPECT_EQ(server_.store().GetPolicy(policy_.name())->spec().retention().keep_last(), 3);

  request.mutable_as_policy()->set_name("policies/new");
  EXPECT_EQ(Call(stub_, &ForecastStub::SimulateRetention, request)->start_count(), 0);
  request.set_policy("policies/nightly");
  EXPECT_THAT(Call(stub_, &ForecastStub::SimulateRetention, request), HasReason("INVALID_FIELD"));
  request.clear_policy();
  request.mutable_as_policy()->mutable_spec()->mutable_schedule()->set_cron("nonsense");
  EXPECT_THAT(Call(stub_, &ForecastStub::SimulateRetention, request), HasReason("INVALID_FIELD"));
}

TEST_F(RetentionForecastTest, SaysSinceWhenSomethingStandsAgainstADeletionForGood) {
  policy_.mutable_spec()->mutable_retention()->set_keep_last(1);
  server_.store().PutPolicy(policy_, server_.clock().Now());  // Four of five would go.

  const auto outlook = Outlook(NameOf(0));

  ASSERT_THAT(outlook, IsOk());
  EXPECT_FALSE(outlook->has_expected_delete_time());
  EXPECT_EQ(ToAbsl(outlook->unkept_time()), server_.clock().Now());
  EXPECT_THAT(outlook->unkept_frozen(), ElementsAre("more than half of the backups would go at once"));
  EXPECT_FALSE(Outlook(NameOf(4))->has_expected_delete_time());
  EXPECT_GT(ToAbsl(Outlook(NameOf(4))->unkept_time()), server_.clock().Now()) << "once a newer one is there";
}

TEST_F(RetentionForecastTest, RefusesWhatItCannotSimulate) {
  EXPECT_THAT(Simulate(10, "", "agents/db1/databases/bare"), HasReason("POLICY_NOT_FOUND"));
  EXPECT_THAT(Simulate(10, "policies/none"), HasReason("POLICY_NOT_FOUND"));
  EXPECT_THAT(Simulate(10, "none"), HasReason("INVALID_RESOURCE_NAME"));
  EXPECT_THAT(Simulate(10, "", "agents/db1/databases/none"), HasReason("DATABASE_NOT_FOUND"));
  EXPECT_THAT(Simulate(10, "", "shop"), HasReason("INVALID_RESOURCE_NAME"));
  EXPECT_THAT(Simulate(-1), HasReason("INVALID_FIELD"));
  EXPECT_THAT(Simulate(4001), HasReason("INVALID_FIELD"));
}

TEST_F(RetentionForecastTest, ADayAheadOfMinutesIsPossibleAndElevenYearsAreNot) {
  policy_.mutable_spec()->mutable_schedule()->clear_cron();
  *policy_.mutable_spec()->mutable_schedule()->mutable_every() = ToProto(absl::Minutes(1));
  *policy_.mutable_spec()->mutable_retention()->mutable_keep_within() = ToProto(absl::Hours(24 * 365));
  server_.store().PutPolicy(policy_, server_.clock().Now());
  EXPECT_EQ(Simulate(1)->made_count(), 1440);
  EXPECT_THAT(Simulate(4000), HasReason("SIMULATION_TOO_LARGE"));
}

TEST_F(RetentionForecastTest, SaysWhyABackupIsKeptAndWhenItWillGo) {
  const auto outlook = Outlook(NameOf(4));
  ASSERT_THAT(outlook, IsOk());
  EXPECT_EQ(outlook->decision().backup().name(), NameOf(4));
  EXPECT_FALSE(outlook->decision().backup().has_manifest());
  EXPECT_THAT(outlook->kept_by(), ElementsAre("newest good", "minimumGood, 1 of 1", "keepLast, 1 of 3"));
  const absl::Duration left = ToAbsl(outlook->expected_delete_time()) - server_.clock().Now();
  EXPECT_GT(left, absl::Hours(48)) << "with the third slot";
  EXPECT_LE(left, absl::Hours(72));
  EXPECT_THAT(Outlook(NameOf(3))->kept_by(), ElementsAre("keepLast, 2 of 3"));
}

TEST_F(RetentionForecastTest, WhatNoRuleKeepsGoesNow) {
  const auto outlook = Outlook(NameOf(1));
  ASSERT_THAT(outlook, IsOk());
  EXPECT_FALSE(outlook->decision().keep());
  EXPECT_THAT(outlook->kept_by(), IsEmpty());
  EXPECT_EQ(ToAbsl(outlook->expected_delete_time()), server_.clock().Now());
}

TEST_F(RetentionForecastTest, AFailedLastRunHoldsItUntilTheNextSlot) {
  v1::Run run;
  run.set_name("runs/failed");
  run.set_kind(v1::BACKUP);
  run.set_state(v1::FAILED);
  run.set_database(kForecastDatabase);
  run.set_policy("policies/nightly");
  *run.mutable_slot_time() = ToProto(server_.clock().Now() - absl::Hours(1));
  server_.store().PutRun(run);
  const auto outlook = Outlook(NameOf(1));
  EXPECT_THAT(outlook->frozen(), ElementsAre("the last backup run brought no backup"));
  EXPECT_GT(ToAbsl(outlook->expected_delete_time()), server_.clock().Now());
}

TEST_F(RetentionForecastTest, WhatIsInUseGoesOnceTheWorkHasEnded) {
  v1::Run run;
  run.set_name("runs/drill");
  run.set_kind(v1::DRILL);
  run.set_state(v1::RUNNING);
  run.set_database(kForecastDatabase);
  run.set_backup(NameOf(1));
  server_.store().PutRun(run);
  const auto outlook = Outlook(NameOf(1));
  EXPECT_THAT(outlook->kept_by(), ElementsAre("in use"));
  EXPECT_GT(ToAbsl(outlook->expected_delete_time()), server_.clock().Now());
}

TEST_F(RetentionForecastTest, WhatNoPolicyDecidesAboutHasNoTime) {
  PutBackup(5, "");
  PutBackup(6, "policies/gone");
  for (int number : {5, 6}) {
    const auto outlook = Outlook(NameOf(number));
    ASSERT_THAT(outlook, IsOk());
    EXPECT_TRUE(outlook->decision().keep());
    EXPECT_FALSE(outlook->has_expected_delete_time());
    EXPECT_FALSE(outlook->has_simulated_until_time());
  }
  EXPECT_THAT(Outlook(NameOf(5))->kept_by(), ElementsAre("made without a policy"));
  EXPECT_THAT(Outlook(NameOf(6))->kept_by(), ElementsAre("its policy is gone"));
}

TEST_F(RetentionForecastTest, AHeldOneDoesNotGoWithinTenYears) {
  v1::HoldBackupRequest hold;
  hold.set_name(NameOf(2));
  hold.set_reason("audit");
  ASSERT_THAT(Call(stub_, &ForecastStub::HoldBackup, hold), IsOk());
  const auto outlook = Outlook(NameOf(2));
  EXPECT_FALSE(outlook->has_expected_delete_time());
  EXPECT_EQ(ToAbsl(outlook->simulated_until_time()) - server_.clock().Now(), absl::Hours(24 * 3652));
}

TEST_F(RetentionForecastTest, WhatIsDeletedSaysSo) {
  PutBackup(7, "policies/nightly", v1::DELETED);
  const auto outlook = Outlook(NameOf(7));
  ASSERT_THAT(outlook, IsOk());
  EXPECT_THAT(outlook->decision().reasons(), ElementsAre("it is deleted"));
  EXPECT_FALSE(outlook->has_expected_delete_time());
  EXPECT_THAT(Outlook("backups/20261121T220000Z-bbbbbbbbbb"), HasReason("BACKUP_NOT_FOUND"));
  EXPECT_THAT(Outlook("x"), HasReason("INVALID_RESOURCE_NAME"));
}

}  // namespace
}  // namespace backup::server
