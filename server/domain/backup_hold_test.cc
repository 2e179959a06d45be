// SPDX-License-Identifier: Apache-2.0
#include "server/domain/backup_hold.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/proto_json.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::HasReason;
using ::backup::testing::IsOk;

const absl::Time kHoldTime = absl::FromUnixSeconds(1795435200);

v1::HoldBackupRequest Request(const std::string& reason) {
  v1::HoldBackupRequest request;
  request.set_name("backups/20261123T120000Z-0123456789");
  request.set_reason(reason);
  return request;
}

TEST(BackupHoldTest, SaysWhoHoldsItWhyAndSinceWhen) {
  const auto hold = MakeHold(Request("the audit of 2026"), "users/alice", kHoldTime);
  ASSERT_THAT(hold, IsOk());
  EXPECT_EQ(hold->reason(), "the audit of 2026");
  EXPECT_EQ(hold->owner(), "users/alice");
  EXPECT_EQ(ToAbsl(hold->create_time()), kHoldTime);
  EXPECT_FALSE(hold->has_expire_time());
}

TEST(BackupHoldTest, WantsAReasonAndAnEndThatIsToCome) {
  EXPECT_THAT(MakeHold(Request(""), "users/alice", kHoldTime), HasReason("INVALID_FIELD"));
  EXPECT_THAT(MakeHold(Request(std::string(1001, 'x')), "users/alice", kHoldTime), HasReason("INVALID_FIELD"));
  v1::HoldBackupRequest request = Request("why");
  *request.mutable_expire_time() = ToProto(kHoldTime);
  EXPECT_THAT(MakeHold(request, "users/alice", kHoldTime), HasReason("INVALID_FIELD"));
}

TEST(BackupHoldTest, HoldsUntilItsEnd) {
  v1::Backup backup;
  EXPECT_FALSE(IsHeld(backup, kHoldTime));
  backup.mutable_hold()->set_reason("why");
  EXPECT_TRUE(IsHeld(backup, kHoldTime));
  *backup.mutable_hold()->mutable_expire_time() = ToProto(kHoldTime + absl::Seconds(1));
  EXPECT_TRUE(IsHeld(backup, kHoldTime));
  EXPECT_FALSE(IsHeld(backup, kHoldTime + absl::Seconds(1)));
}

}  // namespace
}  // namespace backup::server
