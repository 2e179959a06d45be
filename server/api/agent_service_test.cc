// SPDX-License-Identifier: Apache-2.0
#include "server/api/agent_service.h"

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
using ::testing::Property;
using AgentServiceStub = v1::AgentService::Stub;

class AgentServiceTest : public ::testing::Test {
 protected:
  AgentServiceTest() {
    server_.PutAgent("db1", {"shop", "a/b"});
    server_.PutAgent("db2", {"crm"});
  }
  absl::StatusOr<v1::EnrollmentToken> CreateToken(const std::string& id, std::optional<absl::Duration> ttl = {}) {
    v1::CreateEnrollmentTokenRequest request;
    request.set_agent_id(id);
    if (ttl.has_value()) {
      *request.mutable_ttl() = ToProto(*ttl);
    }
    return Call(stub_, &AgentServiceStub::CreateEnrollmentToken, request);
  }

  ApiTestServer server_;
  const std::unique_ptr<AgentServiceStub> stub_ = v1::AgentService::NewStub(server_.Dial(server_.User()));
};

TEST_F(AgentServiceTest, JudgesAgentsWhenTheyAreRead) {
  v1::GetAgentRequest request;
  request.set_name("agents/db1");
  EXPECT_EQ(Call(stub_, &AgentServiceStub::GetAgent, request)->state(), v1::ENROLLED);
  v1::Agent agent = *server_.store().GetAgent("agents/db1");
  *agent.mutable_last_seen_time() = ToProto(server_.clock().Now());
  server_.store().PutAgent(agent);
  EXPECT_EQ(Call(stub_, &AgentServiceStub::GetAgent, request)->state(), v1::ONLINE);
  server_.clock().Advance(absl::Hours(1));
  EXPECT_EQ(Call(stub_, &AgentServiceStub::GetAgent, request)->state(), v1::OFFLINE);
  const auto list = Call(stub_, &AgentServiceStub::ListAgents, v1::ListAgentsRequest());
  ASSERT_THAT(list, IsOk());
  EXPECT_THAT(list->agents(),
              ElementsAre(Property(&v1::Agent::state, v1::OFFLINE), Property(&v1::Agent::state, v1::ENROLLED)));
}

TEST_F(AgentServiceTest, GetTellsAWrongNameFromAnUnknownOne) {
  v1::GetAgentRequest agent;
  agent.set_name("agents/db9");
  EXPECT_THAT(Call(stub_, &AgentServiceStub::GetAgent, agent), HasReason("AGENT_NOT_FOUND"));
  agent.set_name("db9");
  EXPECT_THAT(Call(stub_, &AgentServiceStub::GetAgent, agent), HasReason("INVALID_RESOURCE_NAME"));
  v1::GetDatabaseRequest database;
  database.set_name("agents/db1/databases/none");
  EXPECT_THAT(Call(stub_, &AgentServiceStub::GetDatabase, database), HasReason("DATABASE_NOT_FOUND"));
  database.set_name("agents/db1");
  EXPECT_THAT(Call(stub_, &AgentServiceStub::GetDatabase, database), HasReason("INVALID_RESOURCE_NAME"));
}

TEST_F(AgentServiceTest, DatabasesNameThePoliciesThatCoverThem) {
  v1::Policy policy = server_.PutPolicy("nightly");
  policy.mutable_spec()->mutable_databases(0)->set_agent("db1");
  server_.store().PutPolicy(policy, server_.clock().Now());
  const auto list = Call(stub_, &AgentServiceStub::ListDatabases, v1::ListDatabasesRequest());
  ASSERT_THAT(list, IsOk());
  ASSERT_EQ(list->databases_size(), 3);
  for (const v1::Database& database : list->databases()) {
    EXPECT_EQ(database.policies_size(), database.name().find("agents/db1/") == 0 ? 1 : 0) << database.name();
  }
  v1::GetDatabaseRequest request;
  request.set_name("agents/db1/databases/a%2Fb");
  const auto database = Call(stub_, &AgentServiceStub::GetDatabase, request);
  ASSERT_THAT(database, IsOk());
  EXPECT_EQ(database->display_name(), "a/b");
  EXPECT_THAT(database->policies(), ElementsAre("policies/nightly"));
}

TEST_F(AgentServiceTest, ListsDatabasesOfOneAgentOrOfAll) {
  v1::ListDatabasesRequest request;
  request.set_parent("agents/db2");
  EXPECT_EQ(Call(stub_, &AgentServiceStub::ListDatabases, request)->databases_size(), 1);
  request.set_parent("agents/-");
  EXPECT_EQ(Call(stub_, &AgentServiceStub::ListDatabases, request)->databases_size(), 3);
  request.set_parent("db2");
  EXPECT_THAT(Call(stub_, &AgentServiceStub::ListDatabases, request), HasReason("INVALID_RESOURCE_NAME"));
  request.clear_parent();
  request.set_page_size(-5);
  EXPECT_THAT(Call(stub_, &AgentServiceStub::ListDatabases, request), HasReason("INVALID_FIELD"));
  v1::ListAgentsRequest agents;
  agents.set_page_size(-5);
  EXPECT_THAT(Call(stub_, &AgentServiceStub::ListAgents, agents), HasReason("INVALID_FIELD"));
}

TEST_F(AgentServiceTest, ATokenHoldsAllThatAnAgentNeeds) {
  const absl::StatusOr<v1::EnrollmentToken> token = CreateToken("db3");
  ASSERT_THAT(token, IsOk());
  EXPECT_EQ(token->agent(), "agents/db3");
  EXPECT_EQ(ToAbsl(token->expire_time()), server_.clock().Now() + absl::Hours(1));
  const v1::EnrollmentTokenContent content = DecodeToken(token->token());
  EXPECT_EQ(content.controller_address(), "controller.example:7443");
  EXPECT_EQ(content.ca_certificate(), server_.authority().certificate());
  EXPECT_EQ(content.agent_id(), "db3");
}

TEST_F(AgentServiceTest, ATokenLivesBetweenAMinuteAndAWeek) {
  EXPECT_THAT(CreateToken("db3", absl::Minutes(1)), IsOk());
  EXPECT_THAT(CreateToken("db3", absl::Hours(7 * 24)), IsOk());
  EXPECT_THAT(CreateToken("db3", absl::Seconds(59)), HasReason("INVALID_FIELD"));
  EXPECT_THAT(CreateToken("db3", absl::Hours(7 * 24) + absl::Seconds(1)), HasReason("INVALID_FIELD"));
  EXPECT_THAT(CreateToken("db3", -absl::Hours(1)), HasReason("INVALID_FIELD"));
}

TEST_F(AgentServiceTest, ATokenIsForAValidId) {
  for (const char* id : {"", "Db1", "-db", "agents/db1", "db 1"}) {
    EXPECT_THAT(CreateToken(id), HasReason("INVALID_FIELD")) << id;
  }
}

TEST_F(AgentServiceTest, SaysThatTheCatalogIsAway) {
  server_.store().SetUnavailable(true);
  EXPECT_THAT(CreateToken("db3"), HasReason("CATALOG_UNAVAILABLE"));
  EXPECT_THAT(Call(stub_, &AgentServiceStub::ListAgents, v1::ListAgentsRequest()), HasReason("CATALOG_UNAVAILABLE"));
  EXPECT_THAT(Call(stub_, &AgentServiceStub::ListDatabases, v1::ListDatabasesRequest()),
              HasReason("CATALOG_UNAVAILABLE"));
}

}  // namespace
}  // namespace backup::server
