// SPDX-License-Identifier: Apache-2.0
#include "server/domain/backup_outlook.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/domain/test_data.h"

namespace backup::server {
namespace {

using ::backup::testing::FromText;
using ::backup::testing::NightlyPolicy;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class BackupOutlookTest : public ::testing::Test {
 protected:
  BackupOutlookTest() { plan_.set_database("agents/db1/databases/orders"); }
  // The next older backup of the plan.
  v1::Backup Add(const std::string& id, bool keep, const std::vector<std::string>& reasons,
                 const std::string& policy = "policies/nightly") {
    v1::RetentionDecision& decision = *plan_.add_decisions();
    decision.mutable_backup()->set_name("backups/" + id);
    decision.mutable_backup()->set_policy(policy);
    decision.set_keep(keep);
    decision.mutable_reasons()->Add(reasons.begin(), reasons.end());
    return decision.backup();
  }

  v1::RetentionPlan plan_;
  v1::Policy policy_ = NightlyPolicy();
};

TEST_F(BackupOutlookTest, ARuleThatKeepsSeveralSaysWhichPlaceTheBackupHas) {
  Add("a", true, {"newest good", "keepDaily"});
  Add("other", true, {"keepDaily"}, "policies/other");
  const v1::Backup backup = Add("b", true, {"keepDaily", "keepWeekly", "held"});
  Add("c", true, {"keepDaily"});
  Add("gone", false, {"keepDaily"});

  const v1::BackupOutlook outlook = OutlookOfToday(plan_, backup, policy_);

  EXPECT_EQ(outlook.decision().backup().name(), "backups/b");
  EXPECT_TRUE(outlook.decision().keep());
  EXPECT_THAT(outlook.kept_by(), ElementsAre("keepDaily, 2 of 3", "keepWeekly, 1 of 1", "held"));
}

TEST_F(BackupOutlookTest, AnAgeIsToldWithItsLength) {
  policy_.mutable_spec()->mutable_retention()->mutable_keep_within()->set_seconds(30L * 86400);
  const v1::Backup backup = Add("a", true, {"keepWithin"});
  EXPECT_THAT(OutlookOfToday(plan_, backup, policy_).kept_by(), ElementsAre("keepWithin 30d"));
  EXPECT_THAT(OutlookOfToday(plan_, backup, std::nullopt).kept_by(), ElementsAre("keepWithin"));
}

TEST_F(BackupOutlookTest, WhatGoesIsKeptByNothing) {
  const v1::Backup backup = Add("a", false, {"no rule keeps it"});
  v1::PolicyRetention& other = *plan_.add_policies();
  other.set_policy("policies/other");
  other.add_frozen("not ours");
  v1::PolicyRetention& ours = *plan_.add_policies();
  ours.set_policy("policies/nightly");
  ours.add_frozen("the newest backup is not good");

  const v1::BackupOutlook outlook = OutlookOfToday(plan_, backup, policy_);

  EXPECT_FALSE(outlook.decision().keep());
  EXPECT_THAT(outlook.kept_by(), IsEmpty());
  EXPECT_THAT(outlook.frozen(), ElementsAre("the newest backup is not good"));
}

TEST_F(BackupOutlookTest, OneThatIsDeletedHasNoFuture) {
  v1::Backup backup = FromText<v1::Backup>(R"pb(name: "backups/a" state: DELETED)pb");
  EXPECT_THAT(OutlookOfDeleted(backup).decision().reasons(), ElementsAre("it is deleted"));
  backup.set_state(v1::DELETING);
  EXPECT_THAT(OutlookOfDeleted(backup).decision().reasons(), ElementsAre("it is being deleted"));
  EXPECT_FALSE(OutlookOfDeleted(backup).decision().keep());
}

}  // namespace
}  // namespace backup::server
