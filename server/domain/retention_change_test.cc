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

class RetentionChangeTest : public ::testing::Test {
 protected:
  // One backup for each of the last `count` days.
  void AddDaily(int count) {
    for (int i = count; i > 0; --i) {
      v1::Backup& backup = backups_.emplace_back();
      backup.set_name(absl::StrCat("backups/b", i));
      backup.set_sequence(static_cast<int64_t>(backups_.size()));
      backup.set_state(v1::GOOD);
      backup.set_size_bytes(10);
      *backup.mutable_snapshot_time() = ToProto(now_ - absl::Hours(24 * i));
    }
  }
  static v1::Policy Keeping(int count) {
    v1::Policy policy;
    policy.mutable_spec()->mutable_retention()->set_keep_last(count);
    policy.mutable_spec()->mutable_retention()->set_minimum_good(1);
    return policy;
  }

  const absl::Time now_ = At("2026-11-23T12:00:00Z");
  std::vector<v1::Backup> backups_;
};

TEST_F(RetentionChangeTest, CountsWhatGoesByTheChangeAndNotBefore) {
  AddDaily(10);
  const v1::DatabaseDeletion deletion = DeletedByChange(backups_, Keeping(7), Keeping(4), now_);
  EXPECT_EQ(deletion.delete_count(), 3);
  EXPECT_EQ(deletion.delete_bytes(), 30);
  EXPECT_EQ(ToAbsl(deletion.oldest_snapshot_time()), now_ - absl::Hours(24 * 7));
  EXPECT_EQ(ToAbsl(deletion.newest_snapshot_time()), now_ - absl::Hours(24 * 5));
}

TEST_F(RetentionChangeTest, KeepingMoreDeletesNothing) {
  AddDaily(10);
  EXPECT_EQ(DeletedByChange(backups_, Keeping(4), Keeping(7), now_).delete_count(), 0);
}

TEST_F(RetentionChangeTest, ANewPolicyMayFindBackupsOfItsName) {
  AddDaily(10);
  EXPECT_EQ(DeletedByChange(backups_, std::nullopt, Keeping(4), now_).delete_count(), 6);
}

TEST_F(RetentionChangeTest, HeldOnesAndThoseOnTheirWayOutAreNotCounted) {
  AddDaily(6);
  backups_[0].mutable_hold()->set_reason("audit");
  backups_[1].set_state(v1::DELETING);
  EXPECT_EQ(DeletedByChange(backups_, Keeping(6), Keeping(2), now_).delete_count(), 2);
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
