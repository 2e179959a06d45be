// SPDX-License-Identifier: Apache-2.0
#include "server/api/run_service.h"

#include <utility>
#include <vector>

#include "base/errors.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "server/api/create_run.h"
#include "server/api/filters.h"
#include "server/api/paging.h"
#include "server/api/run_watch.h"
#include "server/api/unary_call.h"
#include "server/domain/run_cancel.h"
#include "server/domain/run_state.h"

namespace backup::server {
namespace {

constexpr size_t kMaxReasonBytes = 500;

absl::Status DoGetRun(const ApiContext& api, const Peer&, const v1::GetRunRequest& request, v1::Run& response) {
  RETURN_IF_ERROR(ParseRunName(request.name()).status());
  ASSIGN_OR_RETURN(response, api.store.GetRun(request.name()));
  return absl::OkStatus();
}

absl::Status DoListRuns(const ApiContext& api, const Peer&, const v1::ListRunsRequest& request,
                        v1::ListRunsResponse& response) {
  RETURN_IF_ERROR(CheckFilter(request.filter()));
  ASSIGN_OR_RETURN(PageRequest page_request, ToPageRequest(request.page_size(), request.page_token()));
  page_request.oldest_first = request.oldest_first();
  ASSIGN_OR_RETURN(Page<v1::Run> page, api.store.ListRuns(request.filter(), page_request));
  MovePage(page, response.mutable_runs(), response.mutable_next_page_token());
  return absl::OkStatus();
}

absl::Status DoCancelRun(const ApiContext& api, const Peer& peer, const v1::CancelRunRequest& request,
                         v1::Run& response) {
  RETURN_IF_ERROR(ParseRunName(request.name()).status());
  const absl::Time now = api.clock.Now();
  const std::string reason = CleanText(request.reason(), kMaxReasonBytes);
  ASSIGN_OR_RETURN(response, api.store.ChangeRun(request.name(), [&](const RunView& view) {
    return CancelRun(view, peer.ToString(), reason, now);
  }));
  api.feed.Publish(response.name());
  api.feed.Publish(AgentOf(response));
  return absl::OkStatus();
}

absl::Status DoListRunLogLines(const ApiContext& api, const Peer&, const v1::ListRunLogLinesRequest& request,
                               v1::ListRunLogLinesResponse& response) {
  RETURN_IF_ERROR(ParseRunName(request.name()).status());
  if (request.offset() < 0) {
    return InvalidField("offset", "it is negative", "lines are counted from 0");
  }
  ASSIGN_OR_RETURN(const int limit, ToPageSize(request.page_size(), kMaxPageSize));
  ASSIGN_OR_RETURN(const std::vector<v1::RunLogLine> lines,
                   api.store.ListRunLog(request.name(), request.offset(), limit));
  response.mutable_lines()->Assign(lines.begin(), lines.end());
  return absl::OkStatus();
}

}  // namespace

grpc::ServerUnaryReactor* RunService::GetRun(grpc::CallbackServerContext* context, const v1::GetRunRequest* request,
                                             v1::Run* response) {
  return UnaryCall(api_, context, request, response, DoGetRun);
}

grpc::ServerUnaryReactor* RunService::ListRuns(grpc::CallbackServerContext* context, const v1::ListRunsRequest* request,
                                               v1::ListRunsResponse* response) {
  return UnaryCall(api_, context, request, response, DoListRuns);
}

grpc::ServerUnaryReactor* RunService::CreateRun(grpc::CallbackServerContext* context,
                                                const v1::CreateRunRequest* request, v1::Run* response) {
  return UnaryCall(api_, context, request, response, DoCreateRun);
}

grpc::ServerUnaryReactor* RunService::CancelRun(grpc::CallbackServerContext* context,
                                                const v1::CancelRunRequest* request, v1::Run* response) {
  return UnaryCall(api_, context, request, response, DoCancelRun);
}

grpc::ServerWriteReactor<v1::WatchRunResponse>* RunService::WatchRun(grpc::CallbackServerContext* context,
                                                                     const v1::WatchRunRequest* request) {
  return StartRunWatch(api_, context, *request);
}

grpc::ServerUnaryReactor* RunService::ListRunLogLines(grpc::CallbackServerContext* context,
                                                      const v1::ListRunLogLinesRequest* request,
                                                      v1::ListRunLogLinesResponse* response) {
  return UnaryCall(api_, context, request, response, DoListRunLogLines);
}

}  // namespace backup::server
