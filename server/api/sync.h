// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <grpcpp/grpcpp.h>

#include "backup/v1/agent_control_service.pb.h"
#include "server/api/api_context.h"

namespace backup::server {

// AgentControlService.Sync: records what the agent says of itself, then answers as soon as the desired set of runs
// differs from the one it knows, at the latest when its max_wait, ours or its deadline is over. Meanwhile it costs
// memory, but no thread. A publish of `agents/{agent}` makes it look again.
grpc::ServerUnaryReactor* StartSync(const ApiContext& api, grpc::CallbackServerContext* context,
                                    const v1::SyncRequest& request, v1::SyncResponse& response);

}  // namespace backup::server
