// SPDX-License-Identifier: Apache-2.0
#include "ctl/database_argument.h"

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/resource_name.h"
#include "ctl/short_name.h"
#include "tests/testing/matchers.h"

namespace backup::ctl {
namespace {

using ::backup::testing::HasReason;
using ::backup::testing::IsOkAndHolds;
using ::testing::HasSubstr;

std::vector<std::string> Names() {
  return {MakeDatabaseName("db1", "shop"),    MakeDatabaseName("db2", "shop"),       MakeDatabaseName("db1", "orders"),
          MakeDatabaseName("db1", "my shop"), MakeDatabaseName("db2", "db1/orders"), MakeDatabaseName("db2", "-x")};
}

TEST(MatchDatabaseTest, TakesEveryWayToNameOne) {
  EXPECT_THAT(MatchDatabase("agents/db1/databases/shop", Names()), IsOkAndHolds("agents/db1/databases/shop"));
  EXPECT_THAT(MatchDatabase("db2/shop", Names()), IsOkAndHolds("agents/db2/databases/shop"));
  EXPECT_THAT(MatchDatabase("my shop", Names()), IsOkAndHolds("agents/db1/databases/my%20shop"));
  EXPECT_THAT(MatchDatabase("my%20shop", Names()), IsOkAndHolds("agents/db1/databases/my%20shop"));
  EXPECT_THAT(MatchDatabase("db1/my%20shop", Names()), IsOkAndHolds("agents/db1/databases/my%20shop"));
  EXPECT_THAT(MatchDatabase("-x", Names()), IsOkAndHolds("agents/db2/databases/%2Dx"));
}

TEST(MatchDatabaseTest, AgentAndDatabaseComeBeforeADatabaseOfThatName) {
  EXPECT_THAT(MatchDatabase("db1/orders", Names()), IsOkAndHolds("agents/db1/databases/orders"));
  EXPECT_THAT(MatchDatabase("db2/db1/orders", Names()), IsOkAndHolds("agents/db2/databases/db1%2Forders"));
}

TEST(MatchDatabaseTest, SaysWhichOnesFit) {
  const auto match = MatchDatabase("shop", Names());
  EXPECT_THAT(match, HasReason("DATABASE_AMBIGUOUS"));
  EXPECT_THAT(ErrorHint(match.status()), HasSubstr("db1/shop, db2/shop"));
}

TEST(MatchDatabaseTest, NamesTheNearestOfNone) {
  const auto match = MatchDatabase("ordres", Names());
  EXPECT_THAT(match, HasReason("DATABASE_NOT_FOUND"));
  EXPECT_EQ(ErrorHint(match.status()), "did you mean orders?");
  EXPECT_EQ(ErrorHint(MatchDatabase("warehouse", Names()).status()), "see backupctl database list");
}

TEST(ShortNameTest, IsWhatPeopleTypeAndRead) {
  EXPECT_EQ(ShortName("policies/nightly"), "nightly");
  EXPECT_EQ(ShortName("agents/db1/databases/my%20shop%2F2"), "db1/my shop/2");
  EXPECT_EQ(ShortName(""), "");
  EXPECT_EQ(ShortName("a/b/c"), "a/b/c");
  EXPECT_EQ(FullName("runs", "x"), "runs/x");
  EXPECT_EQ(FullName("runs", "runs/x"), "runs/x");
}

TEST(ShellWordTest, QuotesWhatAShellWouldTakeApart) {
  EXPECT_EQ(ShellWord("db1/shop"), "db1/shop");
  EXPECT_EQ(ShellWord("my shop"), "'my shop'");
  EXPECT_EQ(ShellWord("it's"), "'it'\\''s'");
  EXPECT_EQ(ShellWord("$(rm)"), "'$(rm)'");
  EXPECT_EQ(ShellWord(""), "''");
}

}  // namespace
}  // namespace backup::ctl
