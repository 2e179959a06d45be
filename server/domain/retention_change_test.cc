// SPDX-License-Identifier: Apache-2.0
#include "server/domain/retention_change.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "base/proto_json.h"
#include "server/domain/test_data.h"

namespace backup::server {
namespace {

using ::backup::testing::At;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class RetentionChangeTest : public ::testing::Test {
 protected:
  // One good backup for each of the last `count` days.
  void AddDaily(int count) {
    for (int i = count; i > 0; --i) {
      RetainedBackup& backup = state_.backups.emplace_back();
      backup.name = absl::StrCat("backups/b", i);
      backup.sequence = static_cast<int64_t>(state_.backups.size());
      backup.size_bytes = 10;
      backup.snapshot_time = now_ - absl::Hours(24 * i);
    }
  }
  static v1::Policy Keeping(int count) {
    v1::Policy policy;
    policy.mutable_spec()->mutable_retention()->set_keep_last(count);
    policy.mutable_spec()->mutable_retention()->set_minimum_good(1);
    return policy;
  }

  const absl::Time now_ = At("2026-11-23T12:00:00Z");
  RetentionState state_;
};

TEST_F(RetentionChangeTest, CountsWhatGoesByTheChangeAndNotBefore) {
  AddDaily(10);
  const v1::DatabaseDeletion deletion = DeletedByChange(state_, Keeping(7), Keeping(4), now_);
  EXPECT_EQ(deletion.delete_count(), 3);
  EXPECT_EQ(deletion.delete_bytes(), 30);
  EXPECT_EQ(ToAbsl(deletion.oldest_snapshot_time()), now_ - absl::Hours(24 * 7));
  EXPECT_EQ(ToAbsl(deletion.newest_snapshot_time()), now_ - absl::Hours(24 * 5));
}

TEST_F(RetentionChangeTest, KeepingMoreDeletesNothing) {
  AddDaily(10);
  EXPECT_EQ(DeletedByChange(state_, Keeping(4), Keeping(7), now_).delete_count(), 0);
}

TEST_F(RetentionChangeTest, SaysWhatWillStandAgainstItWhenTheChangeDeletesAnything) {
  AddDaily(10);
  EXPECT_THAT(DeletedByChange(state_, Keeping(7), Keeping(4), now_).frozen(),
              ElementsAre("more than half of the backups would go at once"));
  EXPECT_THAT(DeletedByChange(state_, Keeping(7), Keeping(5), now_).frozen(), IsEmpty());
  EXPECT_THAT(DeletedByChange(state_, Keeping(3), Keeping(4), now_).frozen(), IsEmpty()) << "all of it goes already";
}

TEST_F(RetentionChangeTest, ANewPolicyMayFindBackupsOfItsName) {
  AddDaily(10);
  EXPECT_EQ(DeletedByChange(state_, std::nullopt, Keeping(4), now_).delete_count(), 6);
}

TEST_F(RetentionChangeTest, WhatIsHeldOrInUseIsNotCounted) {
  AddDaily(6);
  state_.backups[0].held = true;
  state_.backups[1].in_use = true;
  EXPECT_EQ(DeletedByChange(state_, Keeping(6), Keeping(2), now_).delete_count(), 2);
}

TEST_F(RetentionChangeTest, OnlyRulesAndTheirZoneMatter) {
  v1::Policy after = Keeping(3);
  EXPECT_FALSE(ChangesRetention(Keeping(3), after));
  after.mutable_spec()->mutable_schedule()->set_cron("@daily");
  EXPECT_FALSE(ChangesRetention(Keeping(3), after));
  after.mutable_spec()->mutable_schedule()->set_time_zone("Europe/Berlin");
  EXPECT_TRUE(ChangesRetention(Keeping(3), after));
  EXPECT_TRUE(ChangesRetention(Keeping(3), Keeping(2)));
  EXPECT_TRUE(ChangesRetention(std::nullopt, Keeping(3)));
}

}  // namespace
}  // namespace backup::server
