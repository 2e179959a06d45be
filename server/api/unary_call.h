// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <grpcpp/grpcpp.h>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/rpc/grpc_status.h"
#include "base/rpc/tls.h"
#include "server/api/api_context.h"
#include "server/api/api_errors.h"
#include "server/api/call_log.h"

namespace backup::server {

// What a method does once the peer may call it: parses the request, calls the domain or the catalog, converts the
// answer. Runs on the pool and may block.
template <typename Request, typename Response>
using UnaryHandler = absl::Status (*)(const ApiContext& api, const Peer& peer, const Request& request,
                                      Response& response);

// The way of every unary call but Sync: authorize, queue, run the handler unless the caller has gone, answer. gRPC's
// own thread is held only for the first two.
template <typename Request, typename Response>
grpc::ServerUnaryReactor* UnaryCall(const ApiContext& api, grpc::CallbackServerContext* context, const Request* request,
                                    Response* response, UnaryHandler<Request, Response> handler) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const absl::Duration start = api.clock.Monotonic();
  const Peer peer = PeerOf(context->auth_context().get());
  const auto finish = [&api, reactor, peer, start](const absl::Status& status) {
    LogCall(*Request::descriptor(), peer, api.clock.Monotonic() - start, status);
    reactor->Finish(ToGrpcStatus(status));
  };
  if (const absl::Status status = api.authorizer.Authorize(peer, *Request::descriptor()); !status.ok()) {
    finish(status);
    return reactor;
  }
  const bool queued = api.pool.TryAdd([&api, context, request, response, handler, peer, finish] {
    // gRPC cancels the call when its deadline passes, so this covers both.
    finish(context->IsCancelled() ? CallCancelled() : handler(api, peer, *request, *response));
  });
  if (!queued) {
    finish(ControllerBusy());
  }
  return reactor;
}

}  // namespace backup::server
