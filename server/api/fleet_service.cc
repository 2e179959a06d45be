// SPDX-License-Identifier: Apache-2.0
#include "server/api/fleet_service.h"

#include <memory>
#include <string>
#include <vector>

#include "base/errors.h"
#include "base/proto_json.h"
#include "base/status_macros.h"
#include "server/api/paging.h"
#include "server/api/unary_call.h"
#include "server/domain/fleet_health.h"
#include "server/domain/fleet_overview.h"

namespace backup::server {
namespace {

// Longer than any resource name of ours.
constexpr size_t kMaxEventSubjectBytes = 400;

absl::Status DoGetFleetStatus(const ApiContext& api, const Peer&, const v1::GetFleetStatusRequest&,
                              v1::FleetStatus& response) {
  const absl::Time now = api.clock.Now();
  const std::shared_ptr<const FleetOverview> overview = api.fleet_watch.overview();
  ASSIGN_OR_RETURN(response,
                   api.store.ReadFleetStatus(now, overview == nullptr ? std::vector<std::string>() : overview->worst));
  ASSIGN_OR_RETURN(const std::vector<v1::Policy> policies, api.store.ReadPolicies());
  api.frozen_retention.FillIn(response);
  JudgeFleet(response, policies, now);
  CountFleet(overview.get(), response);
  *response.mutable_time() = ToProto(now);
  if (const std::string problem = api.clock_watch.problem(); !problem.empty()) {
    response.add_problems(problem);
  }
  return absl::OkStatus();
}

absl::Status DoGetController(const ApiContext& api, const Peer&, const v1::GetControllerRequest&,
                             v1::Controller& response) {
  response.set_version(BACKUPCTL_VERSION);
  *response.mutable_start_time() = ToProto(api.settings.start_time);
  response.set_catalog(api.settings.catalog);
  response.set_schema_version(api.settings.schema_version);
  return absl::OkStatus();
}

absl::Status DoListEvents(const ApiContext& api, const Peer&, const v1::ListEventsRequest& request,
                          v1::ListEventsResponse& response) {
  if (request.subject().size() > kMaxEventSubjectBytes) {
    return InvalidField("subject", "it is longer than any resource name");
  }
  ASSIGN_OR_RETURN(const PageRequest page_request, ToPageRequest(request.page_size(), request.page_token()));
  ASSIGN_OR_RETURN(Page<v1::Event> page, api.store.ListEvents(request.subject(), page_request));
  MovePage(page, response.mutable_events(), response.mutable_next_page_token());
  return absl::OkStatus();
}

}  // namespace

grpc::ServerUnaryReactor* FleetService::GetFleetStatus(grpc::CallbackServerContext* context,
                                                       const v1::GetFleetStatusRequest* request,
                                                       v1::FleetStatus* response) {
  return UnaryCall(api_, context, request, response, DoGetFleetStatus);
}

grpc::ServerUnaryReactor* FleetService::GetController(grpc::CallbackServerContext* context,
                                                      const v1::GetControllerRequest* request,
                                                      v1::Controller* response) {
  return UnaryCall(api_, context, request, response, DoGetController);
}

grpc::ServerUnaryReactor* FleetService::ListEvents(grpc::CallbackServerContext* context,
                                                   const v1::ListEventsRequest* request,
                                                   v1::ListEventsResponse* response) {
  return UnaryCall(api_, context, request, response, DoListEvents);
}

}  // namespace backup::server
