// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backup/v1/fleet_service.grpc.pb.h"
#include "server/api/api_context.h"

namespace backup::server {

// backup.v1.FleetService. Errors as its .proto says. Thread-safe.
class FleetService final : public v1::FleetService::CallbackService {
 public:
  // Borrows `api`.
  explicit FleetService(const ApiContext& api) : api_(api) {}

  grpc::ServerUnaryReactor* GetFleetStatus(grpc::CallbackServerContext* context,
                                           const v1::GetFleetStatusRequest* request,
                                           v1::FleetStatus* response) override;
  grpc::ServerUnaryReactor* GetController(grpc::CallbackServerContext* context, const v1::GetControllerRequest* request,
                                          v1::Controller* response) override;
  grpc::ServerUnaryReactor* ListEvents(grpc::CallbackServerContext* context, const v1::ListEventsRequest* request,
                                       v1::ListEventsResponse* response) override;

 private:
  const ApiContext& api_;
};

}  // namespace backup::server
