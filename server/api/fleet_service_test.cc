// SPDX-License-Identifier: Apache-2.0
#include "server/api/fleet_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/proto_json.h"
#include "server/api/api_test_server.h"
#include "tests/testing/matchers.h"

namespace backup::server {
namespace {

using ::backup::testing::HasReason;
using ::backup::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using FleetServiceStub = v1::FleetService::Stub;

class FleetServiceTest : public ::testing::Test {
 protected:
  ApiTestServer server_;
  const std::unique_ptr<FleetServiceStub> stub_ = v1::FleetService::NewStub(server_.Dial(server_.User()));
};

TEST_F(FleetServiceTest, JudgesTheFleetAndPutsTheWorstFirst) {
  server_.PutAgent("db1", {"shop", "uncovered"});
  v1::Policy policy = server_.PutPolicy("nightly");
  policy.mutable_spec()->mutable_databases(0)->set_database("shop");
  server_.store().PutPolicy(policy, server_.clock().Now());
  const auto status = Call(stub_, &FleetServiceStub::GetFleetStatus, v1::GetFleetStatusRequest());
  ASSERT_THAT(status, IsOk());
  ASSERT_EQ(status->databases_size(), 2);
  for (const v1::DatabaseStatus& database : status->databases()) {
    const bool covered = database.database().display_name() == "shop";
    EXPECT_EQ(database.database().policies_size(), covered ? 1 : 0);
    EXPECT_EQ(database.health() == v1::UNCOVERED, !covered);
    EXPECT_NE(database.reason(), "");
  }
  ASSERT_EQ(status->agents_size(), 1);
  EXPECT_EQ(status->agents(0).state(), v1::ENROLLED);
  EXPECT_EQ(ToAbsl(status->time()), server_.clock().Now());
}

TEST_F(FleetServiceTest, OfAGreatFleetItTellsTheWorst) {
  std::vector<std::string> names;
  for (int i = 0; i < 500; ++i) names.push_back("d" + std::to_string(1000 + i));
  server_.PutAgent("db1", names);
  server_.PutAgent("db2", {"worse"});
  v1::Policy policy = server_.PutPolicy("nightly");
  policy.mutable_spec()->mutable_databases(0)->set_agent("db1");
  server_.store().PutPolicy(policy, server_.clock().Now());

  const auto early = Call(stub_, &FleetServiceStub::GetFleetStatus, v1::GetFleetStatusRequest());
  ASSERT_THAT(early, IsOk());
  EXPECT_EQ(early->health_counts_size(), 0);
  EXPECT_THAT(early->problems(), ElementsAre(HasSubstr("has not looked at the whole fleet yet")));

  while (server_.fleet_watch().RunOnce() == absl::ZeroDuration()) {
  }
  const auto status = Call(stub_, &FleetServiceStub::GetFleetStatus, v1::GetFleetStatusRequest());
  ASSERT_THAT(status, IsOk());
  EXPECT_EQ(status->database_count(), 501);
  ASSERT_EQ(status->databases_size(), 500);
  EXPECT_EQ(status->databases(0).database().name(), "agents/db2/databases/worse");
  EXPECT_EQ(status->databases(0).health(), v1::UNCOVERED);
  ASSERT_EQ(status->health_counts_size(), 2);
  EXPECT_EQ(status->health_counts(0).database_count(), 1);
  EXPECT_EQ(status->health_counts(1).database_count(), 500);
  EXPECT_EQ(ToAbsl(status->survey_time()), server_.clock().Now());
  EXPECT_THAT(status->problems(), IsEmpty());
}

TEST_F(FleetServiceTest, TellsWhatStandsAgainstDeletions) {
  server_.PutAgent("db1", {"shop"});
  v1::RetentionPlan plan;
  plan.set_database("agents/db1/databases/shop");
  plan.add_policies()->add_frozen("why");
  server_.frozen_retention().Note(plan);
  const auto status = Call(stub_, &FleetServiceStub::GetFleetStatus, v1::GetFleetStatusRequest());
  ASSERT_THAT(status, IsOk());
  EXPECT_THAT(status->databases(0).retention_frozen(), ElementsAre("why"));
}

TEST_F(FleetServiceTest, SaysWhichControllerThisIs) {
  const auto controller = Call(stub_, &FleetServiceStub::GetController, v1::GetControllerRequest());
  ASSERT_THAT(controller, IsOk());
  EXPECT_EQ(controller->version(), BACKUPCTL_VERSION);
  EXPECT_EQ(controller->catalog(), "in memory");
  EXPECT_EQ(controller->schema_version(), 7);
  EXPECT_EQ(ToAbsl(controller->start_time()), server_.clock().Now());
}

TEST_F(FleetServiceTest, ListsHistoryNewestFirstAndBySubject) {
  std::vector<v1::Event> events(3);
  for (int i = 0; i < 3; ++i) {
    events[i].set_subject(i == 1 ? "runs/r1" : "policies/nightly");
    events[i].set_type("T" + std::to_string(i));
  }
  ASSERT_THAT(server_.store().AppendEvents(events), IsOk());
  v1::ListEventsRequest request;
  const auto all = Call(stub_, &FleetServiceStub::ListEvents, request);
  ASSERT_THAT(all, IsOk());
  ASSERT_EQ(all->events_size(), 3);
  EXPECT_EQ(all->events(0).type(), "T2");
  request.set_subject("runs/r1");
  EXPECT_EQ(Call(stub_, &FleetServiceStub::ListEvents, request)->events_size(), 1);
  request.set_subject(std::string(401, 'x'));
  EXPECT_THAT(Call(stub_, &FleetServiceStub::ListEvents, request), HasReason("INVALID_FIELD"));
  request.clear_subject();
  request.set_page_size(-1);
  EXPECT_THAT(Call(stub_, &FleetServiceStub::ListEvents, request), HasReason("INVALID_FIELD"));
}

TEST_F(FleetServiceTest, SaysThatTheCatalogIsAway) {
  server_.store().SetUnavailable(true);
  EXPECT_THAT(Call(stub_, &FleetServiceStub::GetFleetStatus, v1::GetFleetStatusRequest()),
              HasReason("CATALOG_UNAVAILABLE"));
  EXPECT_THAT(Call(stub_, &FleetServiceStub::ListEvents, v1::ListEventsRequest()), HasReason("CATALOG_UNAVAILABLE"));
  EXPECT_THAT(Call(stub_, &FleetServiceStub::GetController, v1::GetControllerRequest()), IsOk());
}

}  // namespace
}  // namespace backup::server
