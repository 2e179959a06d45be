// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/restore_globals.h"

#include <gtest/gtest.h>

namespace backup::agent {
namespace {

const std::set<std::string>& Present() {
  static const auto* const kPresent = new std::set<std::string>{"postgres", "old", "an old one"};
  return *kPresent;
}

TEST(ConcernsNewRoleTest, WhatMakesOrDescribesARoleThatIsNotThere) {
  for (const char* statement :
       {"CREATE ROLE fresh", "CREATE ROLE \"a fresh one\"", "ALTER ROLE fresh WITH NOSUPERUSER LOGIN",
        "ALTER ROLE fresh SET work_mem TO '5MB'", "COMMENT ON ROLE fresh IS 'CREATE ROLE old'"}) {
    EXPECT_TRUE(ConcernsNewRole(statement, Present())) << statement;
  }
}

TEST(ConcernsNewRoleTest, AMembershipWithSuchARoleAtEitherEnd) {
  EXPECT_TRUE(ConcernsNewRole("GRANT old TO fresh GRANTED BY postgres", Present()));
  EXPECT_TRUE(ConcernsNewRole("GRANT fresh TO old WITH ADMIN OPTION GRANTED BY postgres", Present()));
  EXPECT_FALSE(ConcernsNewRole("GRANT old TO \"an old one\" GRANTED BY postgres", Present()));
}

TEST(ConcernsNewRoleTest, NothingOfARoleThatIsThere) {
  for (const char* statement : {"CREATE ROLE old", "ALTER ROLE \"an old one\" WITH SUPERUSER",
                                "ALTER ROLE old SET work_mem TO '5MB'", "COMMENT ON ROLE old IS 'fresh'"}) {
    EXPECT_FALSE(ConcernsNewRole(statement, Present())) << statement;
  }
}

TEST(ConcernsNewRoleTest, NothingThatIsNoRole) {
  for (const char* statement : {"CREATE TABLESPACE t OWNER fresh LOCATION '/x'", "GRANT ALL ON TABLESPACE t TO fresh",
                                "GRANT SET ON PARAMETER work_mem TO fresh", "DROP ROLE fresh", ""}) {
    EXPECT_FALSE(ConcernsNewRole(statement, Present())) << statement;
  }
}

}  // namespace
}  // namespace backup::agent
