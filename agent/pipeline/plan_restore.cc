// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <utility>

#include "agent/pipeline/conninfo.h"
#include "agent/pipeline/job.h"
#include "agent/pipeline/load_database.h"
#include "agent/pipeline/restore_failure.h"
#include "agent/pipeline/restore_obstacles.h"
#include "agent/pipeline/restore_source.h"
#include "base/status_macros.h"

namespace backup::agent {

namespace {

absl::StatusOr<RestorePlan> Plan(const RestoreRequest& request, Clock& clock, JobObserver& observer,
                                 Cancellation& cancellation) {
  ASSIGN_OR_RETURN(const Conninfo server, Conninfo::Parse(request.server));
  ASSIGN_OR_RETURN(RestoreSource source,
                   OpenRestoreSource(request, SourceCheck::kEverything, clock, observer, cancellation));
  const Conninfo target = request.into_database.empty() ? server : server.WithDatabase(request.into_database);
  ASSIGN_OR_RETURN(const std::unique_ptr<PgSession> session, ConnectForRestore(target, cancellation));
  RestorePlan plan;
  ASSIGN_OR_RETURN(plan.obstacles, FindRestoreObstacles(*session, source, request, cancellation));
  plan.manifest = std::move(source.manifest);
  plan.table_count = source.table_count;
  plan.row_count = source.row_count;
  plan.plain_bytes = source.plain_bytes;
  return plan;
}

}  // namespace

absl::StatusOr<RestorePlan> PlanRestore(const RestoreRequest& request, Clock& clock, JobObserver& observer,
                                        Cancellation& cancellation) {
  absl::StatusOr<RestorePlan> plan = Plan(request, clock, observer, cancellation);
  if (!plan.ok()) {
    return AsRestoreFailure(plan.status());
  }
  return plan;
}

}  // namespace backup::agent
