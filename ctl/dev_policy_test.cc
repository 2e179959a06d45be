// SPDX-License-Identifier: Apache-2.0
#include "ctl/dev_policy.h"

#include <gtest/gtest.h>

#include "absl/time/time.h"
#include "base/errors.h"
#include "base/proto_json.h"

namespace backup::ctl {
namespace {

TEST(DevPolicyTest, CoversEverythingDailyAtTenInTheEvening) {
  const auto policy = DevPolicy({}, "Europe/Berlin");

  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_EQ(policy->name(), "policies/nightly");
  ASSERT_EQ(policy->spec().databases_size(), 1);
  EXPECT_EQ(policy->spec().databases(0).agent(), "*");
  EXPECT_EQ(policy->spec().databases(0).database(), "*");
  EXPECT_EQ(policy->spec().schedule().cron(), "0 22 * * *");
  EXPECT_EQ(policy->spec().schedule().time_zone(), "Europe/Berlin");
  EXPECT_EQ(ToAbsl(policy->spec().retention().keep_within()), absl::Hours(24 * 30));
}

TEST(DevPolicyTest, RetentionDaysComeFromTheEnvironment) {
  const auto policy = DevPolicy({{"BACKUP_RETENTION_DAYS", "7"}}, "UTC");

  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_EQ(ToAbsl(policy->spec().retention().keep_within()), absl::Hours(24 * 7));
}

TEST(DevPolicyTest, RetentionDaysThatAreNoneAreRefused) {
  for (const char* days : {"0", "-1", "x", "7d", "1.5", "36501", "99999999999"}) {
    const auto policy = DevPolicy({{"BACKUP_RETENTION_DAYS", days}}, "UTC");
    EXPECT_EQ(ErrorReason(policy.status()), "INVALID_VARIABLE") << days;
  }
}

TEST(LocalTimeZoneNameTest, TakesTzWhenItIsAName) {
  EXPECT_EQ(LocalTimeZoneName({{"TZ", "Asia/Tokyo"}}), "Asia/Tokyo");
}

TEST(LocalTimeZoneNameTest, AlwaysGivesANameThatCanBeLoaded) {
  for (const char* tz : {"", "CET-1CEST", "/etc/localtime", ":Asia/Tokyo", "Nowhere/Land", "../../etc/passwd"}) {
    const std::string name = LocalTimeZoneName({{"TZ", tz}});
    absl::TimeZone zone;
    EXPECT_TRUE(absl::LoadTimeZone(name, &zone)) << tz << " gave " << name;
    EXPECT_NE(name, tz);
  }
}

}  // namespace
}  // namespace backup::ctl
