// SPDX-License-Identifier: Apache-2.0
#include "server/domain/fleet_overview.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/proto_json.h"
#include "server/domain/test_data.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::AgentSeenAt;
using ::backup::testing::At;
using ::backup::testing::DatabaseOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

const absl::Time kNow = At("2026-11-23T12:00:00Z");

void AddDatabase(const std::string& name, v1::Health health, v1::FleetStatus& status) {
  v1::DatabaseStatus& line = *status.add_databases();
  *line.mutable_database() = DatabaseOf("db1", name);
  line.set_health(health);
}

std::vector<std::pair<v1::Health, int64_t>> HealthCounts(const v1::FleetStatus& status) {
  std::vector<std::pair<v1::Health, int64_t>> counts;
  for (const v1::HealthCount& count : status.health_counts()) {
    counts.emplace_back(count.health(), count.database_count());
  }
  return counts;
}

std::vector<std::pair<v1::AgentState, int64_t>> AgentCounts(const v1::FleetStatus& status) {
  std::vector<std::pair<v1::AgentState, int64_t>> counts;
  for (const v1::AgentStateCount& count : status.agent_state_counts()) {
    counts.emplace_back(count.state(), count.agent_count());
  }
  return counts;
}

TEST(FleetOverviewTest, NamesTheWorstOfAllPartsAndCountsEverything) {
  FleetOverviewBuilder builder(3);
  v1::FleetStatus first;
  AddDatabase("a", v1::OK, first);
  AddDatabase("b", v1::WARNING, first);
  AddDatabase("c", v1::WARNING, first);
  AddDatabase("d", v1::CRITICAL, first);
  v1::FleetStatus second;
  AddDatabase("e", v1::CRITICAL, second);
  AddDatabase("f", v1::UNCOVERED, second);
  AddDatabase("g", v1::OK, second);
  builder.AddDatabases(first);
  builder.AddDatabases(second);
  builder.AddAgents({AgentSeenAt("db1", kNow), AgentSeenAt("db2", kNow - absl::Hours(1)), AgentSeenAt("db3", kNow)},
                    kNow);

  const FleetOverview overview = builder.Finish(kNow);

  EXPECT_EQ(overview.time, kNow);
  EXPECT_THAT(overview.worst,
              ElementsAre("agents/db1/databases/d", "agents/db1/databases/e", "agents/db1/databases/f"));
  EXPECT_THAT(overview.databases,
              ElementsAre(Pair(v1::OK, 2), Pair(v1::WARNING, 2), Pair(v1::CRITICAL, 2), Pair(v1::UNCOVERED, 1)));
  EXPECT_THAT(overview.agents, ElementsAre(Pair(v1::ONLINE, 2), Pair(v1::OFFLINE, 1)));
}

TEST(FleetOverviewTest, NobodyNamesDatabasesThatAreFine) {
  FleetOverviewBuilder builder(3);
  v1::FleetStatus part;
  AddDatabase("a", v1::OK, part);
  builder.AddDatabases(part);
  EXPECT_THAT(builder.Finish(kNow).worst, IsEmpty());
}

TEST(CountFleetTest, AStatusThatTellsEverythingCountsItself) {
  v1::FleetStatus status;
  AddDatabase("a", v1::OK, status);
  AddDatabase("b", v1::CRITICAL, status);
  AddDatabase("c", v1::OK, status);
  status.add_agents()->set_state(v1::OFFLINE);
  status.set_database_count(3);
  status.set_agent_count(1);
  FleetOverview old;
  old.databases[v1::OK] = 7;

  CountFleet(&old, status);

  EXPECT_THAT(HealthCounts(status), ElementsAre(Pair(v1::CRITICAL, 1), Pair(v1::OK, 2)));
  EXPECT_THAT(AgentCounts(status), ElementsAre(Pair(v1::OFFLINE, 1)));
  EXPECT_FALSE(status.has_survey_time());
  EXPECT_THAT(status.problems(), IsEmpty());
}

TEST(CountFleetTest, AGreatFleetIsCountedByItsOverview) {
  FleetOverview overview;
  overview.time = kNow - absl::Seconds(20);
  overview.databases = {{v1::OK, 990}, {v1::WARNING, 10}};
  overview.agents = {{v1::ONLINE, 400}, {v1::OFFLINE, 200}};
  v1::FleetStatus status;
  AddDatabase("a", v1::OK, status);
  status.set_database_count(1000);
  status.set_agent_count(600);

  CountFleet(&overview, status);

  EXPECT_THAT(HealthCounts(status), ElementsAre(Pair(v1::WARNING, 10), Pair(v1::OK, 990)));
  EXPECT_THAT(AgentCounts(status), ElementsAre(Pair(v1::OFFLINE, 200), Pair(v1::ONLINE, 400)));
  EXPECT_EQ(ToAbsl(status.survey_time()), overview.time);
}

TEST(CountFleetTest, AgentsBeyondThoseToldMakeAFleetGreatToo) {
  FleetOverview overview;
  overview.agents = {{v1::ONLINE, 2}};
  overview.databases = {{v1::OK, 7}};
  v1::FleetStatus status;
  AddDatabase("a", v1::CRITICAL, status);
  status.set_database_count(1);
  status.set_agent_count(2);
  v1::FleetStatus early = status;
  CountFleet(&overview, status);
  EXPECT_THAT(AgentCounts(status), ElementsAre(Pair(v1::ONLINE, 2)));
  EXPECT_THAT(HealthCounts(status), ElementsAre(Pair(v1::CRITICAL, 1))) << "of what is told, from what is told";
  EXPECT_TRUE(status.has_survey_time());
  CountFleet(nullptr, early);
  EXPECT_THAT(AgentCounts(early), IsEmpty());
  EXPECT_THAT(early.problems(), IsEmpty());
}

TEST(CountFleetTest, AGreatFleetThatNobodyLookedAtYetIsAProblem) {
  v1::FleetStatus status;
  AddDatabase("a", v1::OK, status);
  status.set_database_count(2);
  CountFleet(nullptr, status);
  EXPECT_THAT(HealthCounts(status), IsEmpty());
  EXPECT_THAT(status.problems(), ElementsAre(HasSubstr("has not looked at the whole fleet yet")));
}

}  // namespace
}  // namespace backup::server
