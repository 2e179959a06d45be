// SPDX-License-Identifier: Apache-2.0
#include "server/api/agent_service.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/proto_json.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "base/units.h"
#include "server/api/paging.h"
#include "server/api/unary_call.h"
#include "server/domain/agent_state.h"
#include "server/domain/run_state.h"
#include "server/domain/selector.h"
#include "server/pki/enrollment_token.h"

namespace backup::server {
namespace {

constexpr absl::Duration kDefaultTokenLife = absl::Hours(1);
constexpr absl::Duration kMinTokenLife = absl::Minutes(1);
constexpr absl::Duration kMaxTokenLife = absl::Hours(7 * 24);

void FillInPolicies(const std::vector<v1::Policy>& policies, v1::Database& database) {
  for (const v1::Policy& policy : policies) {
    if (Covers(policy.spec(), database)) {
      database.add_policies(policy.name());
    }
  }
}

absl::Status DoGetAgent(const ApiContext& api, const Peer&, const v1::GetAgentRequest& request, v1::Agent& response) {
  RETURN_IF_ERROR(ParseAgentName(request.name()).status());
  ASSIGN_OR_RETURN(response, api.store.GetAgent(request.name()));
  response.set_state(JudgeAgent(response, api.clock.Now()));
  return absl::OkStatus();
}

absl::Status DoListAgents(const ApiContext& api, const Peer&, const v1::ListAgentsRequest& request,
                          v1::ListAgentsResponse& response) {
  ASSIGN_OR_RETURN(const PageRequest page_request, ToPageRequest(request.page_size(), request.page_token()));
  ASSIGN_OR_RETURN(Page<v1::Agent> page, api.store.ListAgents(page_request));
  const absl::Time now = api.clock.Now();
  for (v1::Agent& agent : page.items) {
    agent.set_state(JudgeAgent(agent, now));
  }
  MovePage(page, response.mutable_agents(), response.mutable_next_page_token());
  return absl::OkStatus();
}

absl::Status DoGetDatabase(const ApiContext& api, const Peer&, const v1::GetDatabaseRequest& request,
                           v1::Database& response) {
  RETURN_IF_ERROR(ParseDatabaseName(request.name()).status());
  ASSIGN_OR_RETURN(response, api.store.GetDatabase(request.name()));
  ASSIGN_OR_RETURN(const std::vector<v1::Policy> policies, api.store.ReadPolicies());
  FillInPolicies(policies, response);
  return absl::OkStatus();
}

// The agent that `parent` names, "" for all of them.
absl::StatusOr<std::string> ParseParent(const std::string& parent) {
  if (parent.empty() || parent == "agents/-") {
    return std::string();
  }
  RETURN_IF_ERROR(ParseAgentName(parent).status());
  return parent;
}

absl::Status DoListDatabases(const ApiContext& api, const Peer&, const v1::ListDatabasesRequest& request,
                             v1::ListDatabasesResponse& response) {
  ASSIGN_OR_RETURN(const std::string agent, ParseParent(request.parent()));
  ASSIGN_OR_RETURN(const PageRequest page_request, ToPageRequest(request.page_size(), request.page_token()));
  ASSIGN_OR_RETURN(Page<v1::Database> page, api.store.ListDatabases(agent, page_request));
  ASSIGN_OR_RETURN(const std::vector<v1::Policy> policies, api.store.ReadPolicies());
  for (v1::Database& database : page.items) {
    FillInPolicies(policies, database);
  }
  MovePage(page, response.mutable_databases(), response.mutable_next_page_token());
  return absl::OkStatus();
}

absl::StatusOr<absl::Duration> ParseTokenLife(const v1::CreateEnrollmentTokenRequest& request) {
  const absl::Duration life = request.has_ttl() ? ToAbsl(request.ttl()) : kDefaultTokenLife;
  if (life < kMinTokenLife || life > kMaxTokenLife) {
    return InvalidField("ttl", absl::StrCat("it is not between ", backup::FormatDuration(kMinTokenLife), " and ",
                                            backup::FormatDuration(kMaxTokenLife)));
  }
  return life;
}

absl::Status DoCreateEnrollmentToken(const ApiContext& api, const Peer& peer,
                                     const v1::CreateEnrollmentTokenRequest& request, v1::EnrollmentToken& response) {
  if (!IsValidId(request.agent_id())) {
    return InvalidField("agent_id",
                        "it is not 1 to 63 characters of [a-z0-9-] that begin and end with a letter or digit");
  }
  ASSIGN_OR_RETURN(const absl::Duration life, ParseTokenLife(request));
  const absl::Time now = api.clock.Now();
  const std::string agent = MakeAgentName(request.agent_id());
  const v1::EnrollmentTokenContent content = MakeEnrollmentToken(
      api.random, request.agent_id(), api.settings.advertised_address(), api.authority.certificate());
  const v1::Event event = MakeEvent(now, peer.ToString(), agent, "ENROLLMENT_TOKEN_CREATED",
                                    absl::StrCat("a token to enrol, good for ", backup::FormatDuration(life)));
  RETURN_IF_ERROR(api.store.PutEnrollmentToken(HashEnrollmentSecret(content.secret()), agent, now + life, {&event, 1}));
  response.set_token(EncodeEnrollmentToken(content));
  response.set_agent(agent);
  *response.mutable_expire_time() = ToProto(now + life);
  return absl::OkStatus();
}

}  // namespace

grpc::ServerUnaryReactor* AgentService::GetAgent(grpc::CallbackServerContext* context,
                                                 const v1::GetAgentRequest* request, v1::Agent* response) {
  return UnaryCall(api_, context, request, response, DoGetAgent);
}

grpc::ServerUnaryReactor* AgentService::ListAgents(grpc::CallbackServerContext* context,
                                                   const v1::ListAgentsRequest* request,
                                                   v1::ListAgentsResponse* response) {
  return UnaryCall(api_, context, request, response, DoListAgents);
}

grpc::ServerUnaryReactor* AgentService::GetDatabase(grpc::CallbackServerContext* context,
                                                    const v1::GetDatabaseRequest* request, v1::Database* response) {
  return UnaryCall(api_, context, request, response, DoGetDatabase);
}

grpc::ServerUnaryReactor* AgentService::ListDatabases(grpc::CallbackServerContext* context,
                                                      const v1::ListDatabasesRequest* request,
                                                      v1::ListDatabasesResponse* response) {
  return UnaryCall(api_, context, request, response, DoListDatabases);
}

grpc::ServerUnaryReactor* AgentService::CreateEnrollmentToken(grpc::CallbackServerContext* context,
                                                              const v1::CreateEnrollmentTokenRequest* request,
                                                              v1::EnrollmentToken* response) {
  return UnaryCall(api_, context, request, response, DoCreateEnrollmentToken);
}

}  // namespace backup::server
