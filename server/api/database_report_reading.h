// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "backup/v1/agent.pb.h"
#include "backup/v1/policy.pb.h"
#include "backup/v1/report_service.pb.h"
#include "server/domain/database_report.h"
#include "server/store/store.h"

namespace backup::server {

// The report on one database, read from the catalog piece by piece: memory does not grow with the span, but for the
// backups that exist. `policies` are all there are. Errors of the store.
absl::StatusOr<v1::DatabaseReport> ReadDatabaseReport(Store& store, const v1::Database& database,
                                                      const std::vector<v1::Policy>& policies, const ReportSpan& span);

}  // namespace backup::server
