// SPDX-License-Identifier: Apache-2.0
#include "server/api/report_service.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/proto_json.h"
#include "base/resource_name.h"
#include "base/status_macros.h"
#include "base/units.h"
#include "server/api/database_report_reading.h"
#include "server/api/paging.h"
#include "server/api/unary_call.h"
#include "server/domain/history.h"

namespace backup::server {
namespace {

constexpr absl::Duration kDefaultSpan = absl::Hours(24 * 90);
// A database takes milliseconds, not microseconds.
constexpr int kDefaultReportPageSize = 20;
constexpr int kMaxReportPageSize = 100;

absl::StatusOr<ReportSpan> ToSpan(const v1::GetReportRequest& request, absl::Duration history_age, absl::Time now) {
  ReportSpan span;
  span.now = now;
  span.until = request.has_until_time() ? std::min(ToAbsl(request.until_time()), now) : now;
  span.since = request.has_since_time() ? ToAbsl(request.since_time()) : span.until - kDefaultSpan;
  // Of what was before, only part of the runs is there, and the best of them: they would tell too good a tale.
  const absl::Time history_begin = HistoryBegin(history_age, now);
  if (span.until <= history_begin) {
    return InvalidField("until_time", absl::StrCat("runs before ", FormatRfc3339(history_begin), " are not kept"),
                        "ask for a later span; historyAge in the controller's file says how long runs are kept");
  }
  span.since = std::max(span.since, history_begin);
  if (span.since >= now) return InvalidField("since_time", "it is not in the past");
  if (span.since >= span.until) return InvalidField("until_time", "it is not later than since_time");
  return span;
}

// The databases of this page.
absl::StatusOr<Page<v1::Database>> ReadDatabases(const ApiContext& api, const v1::GetReportRequest& request) {
  if (request.database().empty()) {
    ASSIGN_OR_RETURN(PageRequest page, ToPageRequest(request.page_size(), request.page_token()));
    ASSIGN_OR_RETURN(page.size, ToPageSize(request.page_size(), kDefaultReportPageSize));
    page.size = std::min(page.size, kMaxReportPageSize);
    return api.store.ListDatabases("", page);
  }
  RETURN_IF_ERROR(ParseDatabaseName(request.database()).status());
  ASSIGN_OR_RETURN(v1::Database database, api.store.GetDatabase(request.database()));
  Page<v1::Database> one;
  one.items.push_back(std::move(database));
  return one;
}

absl::Status DoGetReport(const ApiContext& api, const Peer&, const v1::GetReportRequest& request,
                         v1::Report& response) {
  ASSIGN_OR_RETURN(const ReportSpan span, ToSpan(request, api.settings.history_age, api.clock.Now()));
  ASSIGN_OR_RETURN(Page<v1::Database> page, ReadDatabases(api, request));
  ASSIGN_OR_RETURN(const std::vector<v1::Policy> policies, api.store.ReadPolicies());
  for (const v1::Database& database : page.items) {
    ASSIGN_OR_RETURN(*response.add_databases(), ReadDatabaseReport(api.store, database, policies, span));
  }
  *response.mutable_time() = ToProto(span.now);
  *response.mutable_since_time() = ToProto(span.since);
  *response.mutable_until_time() = ToProto(span.until);
  response.set_next_page_token(page.next_token);
  return absl::OkStatus();
}

}  // namespace

grpc::ServerUnaryReactor* ReportService::GetReport(grpc::CallbackServerContext* context,
                                                   const v1::GetReportRequest* request, v1::Report* response) {
  return UnaryCall(api_, context, request, response, DoGetReport);
}

}  // namespace backup::server
