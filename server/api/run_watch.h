// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <grpcpp/grpcpp.h>

#include "backup/v1/run_service.pb.h"
#include "server/api/api_context.h"

namespace backup::server {

// RunService.WatchRun: the run at once, then each time that it or its log changed, until it has ended and its log was
// told. At most one answer of at most 200 log lines is under way; a reader that is slow gets fewer, later states, never
// a queue. Holds no thread while nothing happens.
grpc::ServerWriteReactor<v1::WatchRunResponse>* StartRunWatch(const ApiContext& api,
                                                              grpc::CallbackServerContext* context,
                                                              const v1::WatchRunRequest& request);

}  // namespace backup::server
