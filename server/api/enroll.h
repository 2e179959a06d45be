// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/status/status.h"
#include "backup/v1/agent_control_service.pb.h"
#include "base/rpc/tls.h"
#include "server/api/api_context.h"

namespace backup::server {

// Handler of AgentControlService.Enroll. Who the agent is comes from the token alone; of the CSR only the public key
// counts. The token is used up last, so a CSR that is wrong costs none.
absl::Status DoEnroll(const ApiContext& api, const Peer& peer, const v1::EnrollRequest& request,
                      v1::EnrollResponse& response);

}  // namespace backup::server
