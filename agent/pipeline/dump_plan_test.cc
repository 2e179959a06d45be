// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/dump_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace backup::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int64_t kMiB = 1 << 20;

std::vector<std::vector<std::string>> NamesOf(const DumpPlan& plan) {
  std::vector<std::vector<std::string>> names;
  for (const auto& stream : plan.streams) {
    auto& of_stream = names.emplace_back();
    for (const DumpableTable& table : stream) {
      of_stream.push_back(table.name);
    }
  }
  return names;
}

TEST(DumpPlanTest, SeveralStreamsNeedRoomInTheLockTable) {
  EXPECT_TRUE(LocksAllowStreams(0, 0));
  EXPECT_TRUE(LocksAllowStreams(3'200, 6'400));
  EXPECT_FALSE(LocksAllowStreams(3'201, 6'400));
}

TEST(DumpPlanTest, OneJobIsOneStream) {
  EXPECT_THAT(PlanStreams({{"s", "a", 100 * kMiB}, {"s", "b", 100 * kMiB}}, 0, 1).streams, IsEmpty());
}

TEST(DumpPlanTest, SmallTablesGetNoStreamOfTheirOwn) {
  EXPECT_THAT(PlanStreams({{"s", "a", kMiB}, {"s", "b", 2 * kMiB}}, 0, 4).streams, IsEmpty());
}

TEST(DumpPlanTest, SpreadsTheRowsEvenly) {
  const DumpPlan plan =
      PlanStreams({{"s", "a", 60 * kMiB}, {"s", "b", 50 * kMiB}, {"s", "c", 40 * kMiB}, {"s", "d", 30 * kMiB}}, 0, 2);
  // The rest has a and d, 90 MiB, as the stream has b and c.
  EXPECT_THAT(NamesOf(plan), ElementsAre(ElementsAre("b", "c")));
}

TEST(DumpPlanTest, WhatIsInNoListCounts) {
  const DumpPlan plan = PlanStreams({{"s", "a", 60 * kMiB}, {"s", "b", 50 * kMiB}}, 500 * kMiB, 2);
  EXPECT_THAT(NamesOf(plan), ElementsAre(ElementsAre("a", "b")));
}

TEST(DumpPlanTest, OneGreatTableHasAStreamAndTheRestAnother) {
  EXPECT_THAT(NamesOf(PlanStreams({{"s", "a", 600 * kMiB}, {"s", "b", kMiB}}, 10 * kMiB, 8)),
              ElementsAre(ElementsAre("a")));
}

TEST(DumpPlanTest, NamesNoMoreTablesThanACommandLineTakes) {
  std::vector<DumpableTable> tables;
  for (int i = 0; i < 1000; ++i) {
    tables.push_back({"s", absl::StrCat("t", i), 10 * kMiB});
  }
  const DumpPlan plan = PlanStreams(tables, 0, 4);
  size_t named = 0;
  for (const auto& stream : plan.streams) {
    named += stream.size();
  }
  EXPECT_LE(named, 64u);
  EXPECT_THAT(plan.streams, SizeIs(3));
}

TEST(DumpPlanTest, DoesNotDependOnTheOrderOfTheTables) {
  const std::vector<DumpableTable> tables = {{"s", "a", 9 * kMiB}, {"s", "b", 9 * kMiB}, {"t", "a", 9 * kMiB}};
  std::vector<DumpableTable> reversed(tables.rbegin(), tables.rend());
  EXPECT_EQ(NamesOf(PlanStreams(tables, 0, 3)), NamesOf(PlanStreams(reversed, 0, 3)));
}

TEST(TablePatternTest, QuotesEveryName) {
  EXPECT_EQ(TablePattern({"public", "t", 0}), "\"public\".\"t\"");
  EXPECT_EQ(TablePattern({"we\"ird", "a.b*?", 0}), "\"we\"\"ird\".\"a.b*?\"");
}

}  // namespace
}  // namespace backup::agent
