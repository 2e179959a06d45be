// SPDX-License-Identifier: Apache-2.0
#include "server/api/database_report_reading.h"

#include <algorithm>
#include <string>

#include "base/status_macros.h"
#include "server/api/paging.h"
#include "server/domain/retention_plan.h"
#include "server/domain/selector.h"

namespace backup::server {
namespace {

// Of the report, by its contract.
constexpr int kMaxReportedDrills = 100;

absl::Status ReadSlots(Store& store, const std::string& database, const ReportSpan& span, DatabaseReporter& reporter,
                       std::vector<std::string>& policies) {
  ASSIGN_OR_RETURN(const std::vector<SlotCount> slots, store.CountSlots(database, span.since, span.until));
  for (const SlotCount& count : slots) {
    reporter.AddSlots(count);
    policies.push_back(count.policy);
  }
  return absl::OkStatus();
}

absl::Status ReadBackups(Store& store, const std::string& database, const ReportSpan& span,
                         DatabaseReporter& reporter) {
  ASSIGN_OR_RETURN(const absl::Time before, store.LastGoodBefore(database, span.since));
  reporter.SetLastGoodBefore(before);
  PageRequest request;
  request.size = kMaxPageSize;
  do {
    ASSIGN_OR_RETURN(const Page<PastBackup> page, store.ListPastBackups(database, span.since, span.until, request));
    for (const PastBackup& backup : page.items) reporter.AddBackup(backup);
    request.token = page.next_token;
  } while (!request.token.empty());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::DatabaseReport> ReadDatabaseReport(Store& store, const v1::Database& database,
                                                      const std::vector<v1::Policy>& policies, const ReportSpan& span) {
  const std::string& name = database.name();
  DatabaseReporter reporter(name, span);
  std::vector<std::string> seen;
  RETURN_IF_ERROR(ReadSlots(store, name, span, reporter, seen));
  for (const v1::Policy& policy : policies) {
    const bool made_runs = std::find(seen.begin(), seen.end(), policy.name()) != seen.end();
    if (made_runs || Covers(policy.spec(), database)) reporter.AddPolicy(policy);
  }
  RETURN_IF_ERROR(ReadBackups(store, name, span, reporter));
  ASSIGN_OR_RETURN(const std::vector<v1::Run> drills,
                   store.ListPastDrills(name, span.since, span.until, kMaxReportedDrills));
  for (const v1::Run& drill : drills) reporter.AddDrill(drill);
  ASSIGN_OR_RETURN(const DatabaseBackupsView view, store.ReadDatabaseBackups(name, span.now));
  reporter.SetRetention(PlanDatabaseRetention(view, /*clock_jumped=*/false, span.now));
  return reporter.Finish();
}

}  // namespace backup::server
