// SPDX-License-Identifier: Apache-2.0
#include "server/loops/frozen_retention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace backup::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class FrozenRetentionTest : public ::testing::Test {
 protected:
  // Reasons of one policy each.
  void Note(const std::string& database, const std::vector<std::string>& reasons) {
    v1::RetentionPlan plan;
    plan.set_database(database);
    for (const std::string& reason : reasons) plan.add_policies()->add_frozen(reason);
    plan.add_policies();
    frozen_.Note(plan);
  }
  std::vector<std::string> Told(const std::string& database) {
    v1::FleetStatus status;
    v1::DatabaseStatus& line = *status.add_databases();
    line.mutable_database()->set_name(database);
    line.add_retention_frozen("of before");
    frozen_.FillIn(status);
    return {line.retention_frozen().begin(), line.retention_frozen().end()};
  }

  FrozenRetention frozen_;
};

TEST_F(FrozenRetentionTest, TellsTheReasonsOfAllPoliciesOnceEach) {
  Note("a", {"one", "two", "one"});
  EXPECT_THAT(Told("a"), ElementsAre("one", "two"));
  EXPECT_THAT(Told("b"), IsEmpty());
}

TEST_F(FrozenRetentionTest, TheLastWordCounts) {
  Note("a", {"one"});
  Note("a", {"two"});
  EXPECT_THAT(Told("a"), ElementsAre("two"));
  Note("a", {});
  EXPECT_THAT(Told("a"), IsEmpty());
}

TEST_F(FrozenRetentionTest, WhatIsNotKeptIsForgotten) {
  Note("a", {"one"});
  Note("b", {"two"});
  const int64_t mark = frozen_.mark();
  Note("d", {"meanwhile"});
  frozen_.KeepOnly({"b", "c"}, mark);
  EXPECT_THAT(Told("a"), IsEmpty());
  EXPECT_THAT(Told("b"), ElementsAre("two"));
  EXPECT_THAT(Told("d"), ElementsAre("meanwhile"));
}

}  // namespace
}  // namespace backup::server
